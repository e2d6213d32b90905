//! What is proven about which tables: key, list of tables, what each adds to the bus.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_fri::lifted::{Machine, Occurrence};

use super::memory::{KEY, STATE, TABLES, TERMINALS, number, word};
use crate::asm::{Asm, Quad, Scalar};
use crate::parts::{Transcript, ZERO, read_cubics};

/// A table that the key lists.
pub(super) struct Listed {
    pub(super) kind: u16,
    /// Whether it does; always if there is none.
    pub(super) flag: Option<Scalar>,
    pub(super) log_height: Scalar,
}

/// Reads what the key lists and its commitment, against its digest.
pub(super) fn read_key(asm: &mut Asm, m: &Machine, key: Quad) -> Vec<Listed> {
    let mut listed = Vec::new();
    let mut count = ZERO;
    for kind in &m.kinds {
        let flag = match kind.occurrence {
            Occurrence::Any => continue,
            Occurrence::Once => None,
            Occurrence::Listed => Some(asm.read(1)[0]),
        };
        count = match (flag, count) {
            (None, Scalar::Const(count)) => (count + Felt::ONE).into(),
            (flag, count) => asm.add_base(count, flag.unwrap_or(number(1))),
        };
        let log_height = asm.read(1)[0];
        // What is not there does not make the tree higher.
        if let Some(flag) = flag {
            let there = asm.mul_base(log_height, flag);
            asm.assert_equal(&[log_height], &[there]);
        }
        let table = Listed {
            kind: kind.kind,
            flag,
            log_height,
        };
        listed.push((kind, table));
    }
    let mut digest = asm.merge(m.key_start.into(), word(&[count]));
    for (kind, table) in &listed {
        let (width, number_of) = (number(kind.preprocessed as u64), number(kind.kind.into()));
        let entry = word(&[number_of, table.log_height, width, number(1)]);
        let Some(flag) = table.flag else {
            digest = asm.merge(digest, entry);
            continue;
        };
        asm.store(digest, number(STATE));
        asm.load(&[flag]);
        asm.if_true(|asm| {
            let depth = asm.depth();
            let before = asm.fetch(number(STATE));
            let merged = asm.merge(before, entry);
            asm.store(merged, number(STATE));
            asm.drop_to(depth);
        });
        digest = asm.fetch(number(STATE));
    }
    let commitment = asm.read_word();
    asm.store(commitment, number(KEY));
    let digest = asm.merge(digest, commitment);
    asm.assert_equal(&digest.0, &key.0);
    listed.into_iter().map(|(_, table)| table).collect()
}

/// Reads kind and height of each table; gives their number. That is as many as there are of all kinds, as [`super::tables`] finds.
pub(super) fn read_tables(asm: &mut Asm, transcript: &mut Transcript) -> Scalar {
    let tables = asm.read(1)[0];
    transcript.absorb(asm, word(&[tables, ZERO, ZERO, number(3)]));
    transcript.put_down(asm);
    asm.count_down(tables, true, &[], |asm, _, left| {
        let entry = asm.read(2);
        let entry = word(&[entry[0], entry[1], ZERO, number(3)]);
        asm.store_of(entry, TABLES, left);
        let mut transcript = Transcript::pick_up(asm);
        transcript.absorb(asm, entry);
        transcript.put_down(asm);
        vec![]
    });
    *transcript = Transcript::pick_up(asm);
    tables
}

/// Reads what each table adds to the bus, which must cancel.
pub(super) fn read_terminals(asm: &mut Asm, transcript: &mut Transcript, tables: Scalar) {
    transcript.put_down(asm);
    let sum = asm.count_down(tables, true, &[ZERO; 3], |asm, sum, left| {
        let terminal = read_cubics(asm, 1)[0];
        let entry = word(&terminal.0);
        asm.store_of(entry, TERMINALS, left);
        let mut transcript = Transcript::pick_up(asm);
        transcript.absorb(asm, entry);
        transcript.put_down(asm);
        // Coefficient by coefficient: nothing is put together for that.
        let terms = sum.iter().zip(terminal.0);
        terms.map(|(&sum, own)| asm.add_base(sum, own)).collect()
    });
    asm.assert_equal(&sum, &[ZERO; 3]);
    *transcript = Transcript::pick_up(asm);
}

impl Transcript {
    /// Where loops find the state.
    pub(super) fn put_down(&self, asm: &mut Asm) {
        asm.store(self.state, number(STATE));
    }

    /// The state that was put down, after a message.
    pub(super) fn pick_up(asm: &mut Asm) -> Self {
        Self::new(asm.fetch(number(STATE)))
    }
}
