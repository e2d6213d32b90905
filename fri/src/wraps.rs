//! Whether constraints lead from the last row to the first.
//!
//! The row after the last is the first, as far as constraints are not switched off there by the selector of transitions. In the lifted
//! format that is true of tables of the full height only. A lower table is a walk of several blocks, one after the other, and the row
//! after the last of a block is the first of the next block, which may be another one: columns with x′ = g·x on every row, g of order
//! 4n, close after four blocks of n rows and not after one. So a table with such a constraint must not be lifted.

use std::collections::HashMap;
use std::sync::Arc;

use p3_air::symbolic::{
    BaseEntry, BaseLeaf, ExtEntry, ExtLeaf, SymbolicExpr, SymbolicExpression, SymbolicExpressionExt,
};
use p3_field::PrimeCharacteristicRing;

use crate::types::{Ext, Felt};

/// What is known of an expression on the last row, from its form. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LastRow {
    /// It is zero.
    Zero,
    /// It does not depend on the next row.
    Local,
    /// It may depend on the next row.
    Next,
}

/// Whether any of these constraints may refer to the next row on the last row. Preprocessed columns do not count: those of a lifted
/// table repeat.
pub(crate) fn any(
    base: &[SymbolicExpression<Felt>],
    ext: &[SymbolicExpressionExt<Felt, Ext>],
) -> bool {
    let mut known = HashMap::new();
    base.iter().any(|e| of_base(e, &mut known) == LastRow::Next)
        || ext.iter().any(|e| of_ext(e, &mut known) == LastRow::Next)
}

/// By address: expressions are shared, and outlive the map.
type Known = HashMap<usize, LastRow>;

fn node<L>(
    expression: &SymbolicExpr<L>,
    known: &mut Known,
    leaf: &impl Fn(&L, &mut Known) -> LastRow,
) -> LastRow {
    let mut shared = |child: &Arc<SymbolicExpr<L>>| {
        let address = Arc::as_ptr(child) as usize;
        if let Some(&found) = known.get(&address) {
            return found;
        }
        let found = node(child, known, leaf);
        known.insert(address, found);
        found
    };
    match expression {
        SymbolicExpr::Leaf(value) => leaf(value, known),
        SymbolicExpr::Add { x, y, .. } | SymbolicExpr::Sub { x, y, .. } => shared(x).max(shared(y)),
        SymbolicExpr::Neg { x, .. } => shared(x),
        SymbolicExpr::Mul { x, y, .. } => match (shared(x), shared(y)) {
            (LastRow::Zero, _) | (_, LastRow::Zero) => LastRow::Zero,
            (x, y) => x.max(y),
        },
    }
}

fn of_base(expression: &SymbolicExpression<Felt>, known: &mut Known) -> LastRow {
    node(expression, known, &|leaf, _| match leaf {
        BaseLeaf::IsTransition => LastRow::Zero,
        BaseLeaf::Constant(value) if *value == Felt::ZERO => LastRow::Zero,
        BaseLeaf::Variable(variable) => match variable.entry {
            BaseEntry::Main { offset } if offset > 0 => LastRow::Next,
            _ => LastRow::Local,
        },
        // With one row the first is the last.
        BaseLeaf::IsFirstRow | BaseLeaf::IsLastRow | BaseLeaf::Constant(_) => LastRow::Local,
    })
}

fn of_ext(expression: &SymbolicExpressionExt<Felt, Ext>, known: &mut Known) -> LastRow {
    node(expression, known, &|leaf, known| match leaf {
        ExtLeaf::Base(base) => of_base(base, known),
        ExtLeaf::ExtVariable(variable) => match variable.entry {
            ExtEntry::Permutation { offset } if offset > 0 => LastRow::Next,
            _ => LastRow::Local,
        },
        ExtLeaf::ExtConstant(value) if *value == Ext::ZERO => LastRow::Zero,
        ExtLeaf::ExtConstant(_) => LastRow::Local,
    })
}
