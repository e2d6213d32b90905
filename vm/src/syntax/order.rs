//! Procedures in the order of their calls, and the search for recursion.

use super::diagnostic::{ErrorKind, Raised, Result};
use super::span::Span;

/// A reference to a procedure: `exec`, `call` or `procref`.
pub(super) struct Call {
    pub(super) callee: usize,
    pub(super) span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    /// Its callees are being visited.
    Active,
    Done,
}

/// The procedures that `main` reaches, each behind the ones it refers to.
///
/// # Errors
/// If a procedure, reachable or not, refers to itself through any number of others.
pub(super) fn callees_first(
    main: &[Call],
    calls: &[Vec<Call>],
    names: &[&str],
) -> Result<Vec<usize>> {
    let mut states = vec![State::Unseen; calls.len()];
    let mut order = Vec::new();
    for call in main {
        visit(call.callee, calls, names, &mut states, &mut order)?;
    }
    let mut unreachable = Vec::new();
    for procedure in 0..calls.len() {
        visit(procedure, calls, names, &mut states, &mut unreachable)?;
    }
    Ok(order)
}

/// Depth-first search with the path in a list.
fn visit(
    start: usize,
    calls: &[Vec<Call>],
    names: &[&str],
    states: &mut [State],
    order: &mut Vec<usize>,
) -> Result<()> {
    if states[start] != State::Unseen {
        return Ok(());
    }
    states[start] = State::Active;
    let mut path = vec![(start, calls[start].iter())];
    while let Some((procedure, rest)) = path.last_mut() {
        let Some(call) = rest.next() else {
            states[*procedure] = State::Done;
            order.push(*procedure);
            path.pop();
            continue;
        };
        match states[call.callee] {
            State::Done => {}
            State::Unseen => {
                states[call.callee] = State::Active;
                path.push((call.callee, calls[call.callee].iter()));
            }
            State::Active => {
                let cycle = path.iter().map(|(procedure, _)| *procedure);
                let cycle = cycle
                    .skip_while(|procedure| *procedure != call.callee)
                    .chain([call.callee]);
                let cycle = cycle
                    .map(|procedure| format!("`{}`", names[procedure]))
                    .collect::<Vec<_>>();
                return Err(Raised::new(
                    ErrorKind::Recursion(cycle.join(" → ")),
                    call.span,
                ));
            }
        }
    }
    Ok(())
}
