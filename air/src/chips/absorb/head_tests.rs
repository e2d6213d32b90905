//! What the tests of both chips share: rows, and forgeries of what they have in common.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use plica_field::{Ext, Felt, Word, coefficients};
use plica_hash_rpo::constants::{ARK1, ARK2, CAPACITY, DIGEST, INV_ALPHA, ROUNDS, WIDTH as LANES};
use plica_hash_rpo::{State, hash_elements, linear, permute};
use proptest::prelude::*;

use super::head::{AbsorbRow, Head, RATE};
use crate::bus::{ABSORBED, ABSORBING, Sums};
use crate::check::Message;
use crate::chip::ChipKind;
use crate::record::Point;
use crate::testing::{
    Forgery, MULT, balance, check_every_column_is_noticed, check_forgeries, check_padding, felt,
    positions, second_solutions, sums, violated,
};

/// Columns with which the rows of both chips begin.
const HEAD: usize = size_of::<Head<u8>>();

/// A chip, and how it fills a row.
pub(in crate::chips) struct Subject {
    pub(in crate::chips) chip: ChipKind,
    pub(in crate::chips) fill: fn(&mut [Felt], &AbsorbRow),
}

pub(in crate::chips) fn ext(seed: i64) -> Ext {
    Ext::from_basis_coefficients_fn(|i| felt(100 * seed + i as i64))
}

fn point() -> Point {
    Point {
        a: ext(3),
        m: ext(4),
        x: felt(55),
    }
}

/// In the middle of a message.
pub(in crate::chips) fn inner() -> AbsorbRow {
    AbsorbRow {
        block: 3,
        last: false,
        point: point(),
        s: ext(5),
        u: ext(6),
        capacity: [1, 2, 3, 4].map(|j| felt(70 + j)),
        data: std::array::from_fn(|j| felt(1000 + 17 * j as i64)),
        mult: MULT as u32,
    }
}

/// At the end of one.
pub(in crate::chips) fn end() -> AbsorbRow {
    AbsorbRow {
        last: true,
        ..inner()
    }
}

/// A message of one block.
fn only() -> AbsorbRow {
    AbsorbRow {
        block: 0,
        s: Ext::ZERO,
        u: Ext::ZERO,
        capacity: Word::default(),
        ..end()
    }
}

/// The state that a row permutes.
pub(in crate::chips) fn state(of: &AbsorbRow) -> State {
    let mut state = [Felt::ZERO; LANES];
    state[..CAPACITY].copy_from_slice(&of.capacity);
    state[CAPACITY..].copy_from_slice(&of.data);
    state
}

/// What comes out of the last round for what goes into its last S-boxes.
pub(in crate::chips) fn chosen(middle: &State, last: Felt) -> Word {
    std::array::from_fn(|j| {
        let difference = middle[CAPACITY + j] - middle[j];
        (middle[j] + last * difference).exp_u64(INV_ALPHA)
    })
}

/// What goes into the last S-boxes of a round.
pub(in crate::chips) fn middle(r: usize, state: &State) -> State {
    let seventh = linear(state, &ARK1[r]).map(|y| y.exp_u64(7));
    linear(&seventh, &ARK2[r])
}

/// What a row reads, by its columns.
fn before(head: &Head<Felt>) -> Sums<Felt> {
    Sums {
        blocks: head.block,
        state: head.capacity,
        a: head.a,
        m: head.m,
        x: head.x,
        s: head.s,
        u: head.u,
    }
}

/// What a row gives, by its columns: the kind, and the rest.
fn after(head: &Head<Felt>) -> Message {
    let [u0, u1, u2] = head.u;
    let kind = i64::from(ABSORBING) + i64::from(head.last == Felt::ONE);
    let kind = if head.last == Felt::TWO { 16 } else { kind };
    let fact = Sums {
        blocks: head.block + Felt::ONE,
        state: head.out,
        s: head.s_after,
        u: [u2 + head.value, u0 + u2, u1],
        ..before(head)
    };
    sums(kind, fact)
}

impl Subject {
    pub(in crate::chips) fn row(&self, of: &AbsorbRow) -> Vec<Felt> {
        let mut row = vec![Felt::ZERO; self.chip.width()];
        (self.fill)(&mut row, of);
        row
    }

    /// A forgery that gives something else than the honest row.
    pub(in crate::chips) fn forgery(
        &self,
        constraint: impl Into<String>,
        of: &AbsorbRow,
        forge: impl FnOnce(&mut [Felt]),
    ) -> Forgery {
        let honest = self.row(of);
        let mut forged = honest.clone();
        forge(&mut forged);
        let [from, to] = [&honest, &forged].map(|row| after(Head::of(&row[..HEAD])));
        let gain = vec![(from, -MULT), (to, MULT)];
        Forgery::new(constraint, honest, |row| row.copy_from_slice(&forged), gain)
    }

    /// A row whose `last` makes an entry of the program of what it gives. `write` sees the rest of the last round.
    pub(in crate::chips) fn forgery_of_last(&self, write: impl Fn(&mut [Felt])) -> Forgery {
        self.forgery("last is boolean", &end(), |row| {
            let mut state = state(&end());
            for r in 0..ROUNDS - 1 {
                state = middle(r, &state).map(|w| w.exp_u64(INV_ALPHA));
            }
            let head = Head::of_mut(&mut row[..HEAD]);
            head.last = Felt::TWO;
            head.out = chosen(&middle(ROUNDS - 1, &state), Felt::TWO);
            write(row);
        })
    }

    pub(in crate::chips) fn check_forgeries(&self, forgeries: &[Forgery]) {
        check_forgeries(self.chip, forgeries);
    }

    /// A row reads what blocks come to, and gives what they come to with one more.
    pub(in crate::chips) fn check_messages(&self) {
        for of in [inner(), end(), only()] {
            let row = self.row(&of);
            assert_eq!(violated(self.chip, &row), [] as [&str; 0]);
            let mut permuted = state(&of);
            permute(&mut permuted);
            let start = if of.last { CAPACITY } else { 0 };
            let power = |j: usize| of.point.a.exp_u64((RATE - 1 - j) as u64);
            let terms = of.data.iter().enumerate();
            let own: Ext = terms.clone().map(|(j, &v)| power(j) * v).sum();
            let value: Felt = terms
                .map(|(j, &v)| of.point.x.exp_u64((RATE - 1 - j) as u64) * v)
                .sum();
            let generator = Ext::from_basis_coefficients_fn(|i| Felt::from_bool(i == 1));
            let Point { a, m, x } = of.point;
            let reads = Sums {
                blocks: Felt::from_u64(of.block),
                state: of.capacity,
                a: coefficients(a),
                m: coefficients(m),
                x,
                s: coefficients(of.s),
                u: coefficients(of.u),
            };
            let gives = Sums {
                blocks: Felt::from_u64(of.block + 1),
                state: std::array::from_fn(|j| permuted[start + j]),
                s: coefficients(of.s * m + own),
                u: coefficients(of.u * generator + value),
                ..reads.clone()
            };
            let kind = if of.last { ABSORBED } else { ABSORBING };
            let mut expected = vec![
                (sums(i64::from(ABSORBING), reads), Felt::NEG_ONE),
                (sums(i64::from(kind), gives), felt(MULT)),
            ];
            expected.sort_unstable();
            let found: Vec<_> = balance(self.chip, &row).into_iter().collect();
            assert_eq!(found, expected);
        }
    }

    /// The rows of a message balance but for their beginning and what they come to: its digest, and the sums by their definition.
    pub(in crate::chips) fn check_message(&self, elements: &[Felt], point: Point) {
        let blocks = elements.len() / RATE;
        let mut of = AbsorbRow {
            point,
            mult: 1,
            last: false,
            ..only()
        };
        let mut total = std::collections::BTreeMap::<Message, Felt>::new();
        for (k, block) in elements.chunks_exact(RATE).enumerate() {
            of.data.copy_from_slice(block);
            of.last = k + 1 == blocks;
            let row = self.row(&of);
            assert_eq!(violated(self.chip, &row), [] as [&str; 0]);
            for (message, count) in balance(self.chip, &row) {
                *total.entry(message).or_default() += count;
            }
            let head = Head::of(&row[..HEAD]);
            [of.s, of.u] = of.sums();
            of.capacity = head.out;
            of.block += 1;
        }
        total.retain(|_, count| *count != Felt::ZERO);
        let Point { a, m, x } = point;
        let generator = Ext::from_basis_coefficients_fn(|i| Felt::from_bool(i == 1));
        let (mut s, mut u) = (Ext::ZERO, Ext::ZERO);
        for (i, &v) in elements.iter().enumerate() {
            let (k, j) = (i / RATE, i % RATE);
            let (k, j) = ((blocks - 1 - k) as u64, (RATE - 1 - j) as u64);
            s += m.exp_u64(k) * a.exp_u64(j) * v;
            u += generator.exp_u64(k) * x.exp_u64(j) * v;
        }
        let nothing = Sums {
            blocks: Felt::ZERO,
            state: Word::default(),
            a: coefficients(a),
            m: coefficients(m),
            x,
            s: [Felt::ZERO; 3],
            u: [Felt::ZERO; 3],
        };
        let all = Sums {
            blocks: Felt::from_usize(blocks),
            state: hash_elements(elements),
            s: coefficients(s),
            u: coefficients(u),
            ..nothing.clone()
        };
        let expected = [
            (sums(i64::from(ABSORBING), nothing), Felt::NEG_ONE),
            (sums(i64::from(ABSORBED), all), Felt::ONE),
        ];
        assert_eq!(total.into_iter().collect::<Vec<_>>(), expected);
    }

    pub(in crate::chips) fn check_columns(&self) {
        for of in [inner(), end(), only()] {
            check_every_column_is_noticed(self.chip, &self.row(&of));
        }
    }

    pub(in crate::chips) fn check_padding(&self) {
        let positions = positions(HEAD);
        let mult = Head::of(&positions).mult;
        for of in [inner(), end(), only()] {
            check_padding(self.chip, &self.row(&of), &[mult]);
        }
    }

    /// With what a row reads held fixed, and its block, it gives one thing.
    pub(in crate::chips) fn check_second_solutions(&self, candidates: &[Felt]) {
        let positions = positions(HEAD);
        let head = Head::of(&positions);
        for of in [inner(), end()] {
            let row = self.row(&of);
            let found = second_solutions(self.chip, &row, &[head.mult], candidates);
            assert_eq!(found, 0);
        }
    }

    /// Another block gives something else, and so does the other end of the row.
    pub(in crate::chips) fn check_what_is_private(&self) {
        for of in [inner(), end()] {
            let honest = after(Head::of(&self.row(&of)[..HEAD]));
            let mut others = vec![AbsorbRow {
                last: !of.last,
                ..of
            }];
            for j in 0..RATE {
                for delta in [Felt::ONE, Felt::NEG_ONE, Felt::from_u64(1 << 32)] {
                    let mut other = of;
                    other.data[j] += delta;
                    others.push(other);
                }
            }
            for other in others {
                let row = self.row(&other);
                let given = after(Head::of(&row[..HEAD]));
                // The state alone tells them apart.
                assert_ne!(given[2..6], honest[2..6]);
                // The same with what the honest row gives.
                let mut forged = row;
                let out = Head::of(&self.row(&of)[..HEAD]).out;
                Head::of_mut(&mut forged[..HEAD]).out = out;
                assert!(!violated(self.chip, &forged).is_empty());
            }
        }
    }
}

pub(in crate::chips) fn any_ext() -> impl Strategy<Value = Ext> {
    prop::array::uniform3(any::<u64>())
        .prop_map(|c| Ext::from_basis_coefficients_fn(|i| Felt::new(c[i])))
}

pub(in crate::chips) fn any_message() -> impl Strategy<Value = (Vec<Felt>, Point)> {
    let elements = (1..5usize).prop_flat_map(|blocks| {
        prop::collection::vec(any::<u64>().prop_map(Felt::new), blocks * RATE)
    });
    let point = (any_ext(), any_ext(), any::<u64>());
    (elements, point).prop_map(|(elements, (a, m, x))| {
        let x = Felt::new(x);
        (elements, Point { a, m, x })
    })
}

/// The digest has as many lanes as the capacity, so one column of the row serves both.
const _: () = assert!(DIGEST == CAPACITY);

/// The tests of what the rows of both chips have in common; `candidates` for a second solution.
macro_rules! shared_tests {
    ($subject:expr, $candidates:expr) => {
        #[test]
        fn a_row_adds_a_block() {
            $subject.check_messages();
        }

        #[test]
        fn every_column_is_noticed() {
            $subject.check_columns();
        }

        #[test]
        fn padding_provides_nothing() {
            $subject.check_padding();
        }

        #[test]
        fn a_row_gives_one_thing_for_its_block() {
            $subject.check_second_solutions($candidates);
        }

        #[test]
        fn another_block_gives_something_else() {
            $subject.check_what_is_private();
        }

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

            #[test]
            fn rows_come_to_digest_and_sums((elements, point) in $crate::chips::absorb::head_tests::any_message()) {
                $subject.check_message(&elements, point);
            }
        }
    };
}
pub(in crate::chips) use shared_tests;
