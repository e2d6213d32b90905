//! "Did you mean": the nearest known name.

/// The candidate at the smallest edit distance from `name`, if that is at most a third of its length.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // A longer name is no slip of the pen, and the distance takes quadratic time.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let limit = name.len().div_ceil(3).max(1);
    candidates
        .filter(|candidate| candidate.len() <= LONGEST && *candidate != name)
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// The number of insertions, deletions, replacements and exchanges of neighbours that turn `a` into `b`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut best = (previous[j] + usize::from(x != y))
                .min(previous[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_edits_and_swaps() {
        assert_eq!(distance(b"swap", b"swap"), 0);
        assert_eq!(distance(b"sawp", b"swap"), 1);
        assert_eq!(distance(b"add", b"and"), 1);
        assert_eq!(distance(b"", b"and"), 3);
    }

    #[test]
    fn nothing_is_suggested_for_a_name_far_from_all() {
        assert_eq!(nearest("frobnicate", ["add", "sub"].into_iter()), None);
        assert_eq!(
            nearest("movpu", ["movup", "movdn"].into_iter()),
            Some("movup".to_owned())
        );
    }
}
