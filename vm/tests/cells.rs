//! The table of cells per instruction in `docs/chips.md` is what the code says, and within the budgets.
//!
//! `UPDATE_DOCS=1 cargo test -p plica-vm --test cells` rewrites it.

use std::fmt::Write as _;
use std::path::Path;

use plica_air::chip::ChipKind;
use plica_fri::Profile;
use plica_vm::prover::machine;

/// Instructions per row, what an instruction of the chip is, and the budget in cells.
const fn budget(kind: ChipKind) -> Option<(usize, &'static str, f64)> {
    match kind {
        ChipKind::Arith => Some((4, "field instruction", 17.0)),
        ChipKind::ArithNarrow => Some((2, "the same, where columns count", 20.0)),
        ChipKind::Inverse => Some((4, "zero test or inversion", 17.0)),
        ChipKind::InverseNarrow => Some((2, "the same, where columns count", 20.0)),
        ChipKind::Copy => Some((4, "copied value", 12.0)),
        ChipKind::WordCopy => Some((1, "copied word", 31.0)),
        // 45 for the step and 8 for each of its four values.
        ChipKind::Frame => Some((1, "loop step or call with four values", 45.0 + 4.0 * 8.0)),
        ChipKind::Leave => Some((1, "exit, return or branch", 45.0)),
        ChipKind::Assert => Some((1, "check of four operands", 45.0)),
        ChipKind::Single => Some((4, "field instruction without a partner", 19.0)),
        ChipKind::SingleNarrow => Some((1, "the same, where columns count", 30.0)),
        ChipKind::U32Check => Some((4, "32-bit check", 40.0)),
        ChipKind::U32CheckNarrow => Some((1, "the same, where columns count", 30.0)),
        ChipKind::U32Add => Some((4, "32-bit addition or subtraction", 40.0)),
        ChipKind::U32AddNarrow => Some((1, "the same, where columns count", 40.0)),
        ChipKind::U32Mul => Some((4, "32-bit product and sum, or split", 40.0)),
        ChipKind::U32MulNarrow => Some((1, "the same, where columns count", 55.0)),
        ChipKind::U32Div => Some((4, "32-bit division", 41.0)),
        ChipKind::U32DivNarrow => Some((1, "the same, where columns count", 55.0)),
        ChipKind::U32Shift => Some((4, "32-bit shift or rotation by a constant", 40.0)),
        ChipKind::U32ShiftNarrow => Some((1, "the same, where columns count", 45.0)),
        ChipKind::Bitwise => Some((4, "32-bit and, or, xor", 44.0)),
        ChipKind::BitwiseNarrow => Some((1, "the same, where columns count", 60.0)),
        ChipKind::Power => Some((4, "power of two", 40.0)),
        ChipKind::PowerNarrow => Some((1, "the same, where columns count", 30.0)),
        ChipKind::BitLength => Some((4, "bit length", 40.0)),
        ChipKind::BitLengthNarrow => Some((1, "the same, where columns count", 45.0)),
        ChipKind::Bits => Some((1, "32 bits and their number", 140.0)),
        ChipKind::Pack => Some((4, "word of four elements", 45.0)),
        ChipKind::PackNarrow => Some((1, "the same, where columns count", 45.0)),
        ChipKind::Unpack => Some((4, "elements of a word", 45.0)),
        ChipKind::UnpackNarrow => Some((1, "the same, where columns count", 45.0)),
        ChipKind::Ext3 => Some((4, "product, sum or inverse in the extension", 28.0)),
        ChipKind::Ext3Narrow => Some((2, "the same, where columns count", 32.0)),
        ChipKind::Rpo => Some((1, "permutation or two-to-one hash", 295.0)),
        ChipKind::RpoCompact => Some((1, "the same, where degree 9 is allowed", 135.0)),
        ChipKind::MemoryElement => Some((1, "load or store of an element", 45.0)),
        ChipKind::MemoryWord => Some((1, "load or store of a word", 46.0)),
        ChipKind::Advice => Some((1, "advice of four values", 45.0)),
        ChipKind::Clock => Some((1, "clock", 45.0)),
        ChipKind::Addresses => Some((1, "address touched", 45.0)),
        ChipKind::Tree => Some((1, "node of a Merkle tree read or replaced", 60.0)),
        ChipKind::Node => Some((1, "level of a path in a Merkle tree", 270.0)),
        ChipKind::NodeCompact => Some((1, "the same, where degree 9 is allowed", 125.0)),
        ChipKind::Change => Some((1, "level of a change of a Merkle tree", 35.0)),
        ChipKind::Sum => Some((1, "sums of a message with a known digest", 61.0)),
        ChipKind::Absorb => Some((1, "eight elements of such a message", 295.0)),
        ChipKind::AbsorbCompact => Some((1, "the same, where degree 9 is allowed", 140.0)),
        ChipKind::Boundary | ChipKind::Program | ChipKind::Limbs => None,
    }
}

fn table() -> String {
    let mut text = String::from(
        "| chip | main | preprocessed | interactions | bus | quotient | cells per row | degree | instruction | cells per instruction |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (kind, columns) in ChipKind::ALL.into_iter().zip(machine().columns()) {
        assert_eq!(columns.name, kind.name());
        let row = columns.main + columns.preprocessed + columns.bus + columns.quotient;
        let (what, cells) = match budget(kind) {
            Some((per_row, what, _)) => (what, format!("{}", row as f64 / per_row as f64)),
            None => ("", String::new()),
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {row} | {} | {what} | {cells} |",
            columns.name,
            columns.main,
            columns.preprocessed,
            columns.interactions,
            columns.bus,
            columns.quotient,
            columns.degree,
        )
        .expect("a string grows");
    }
    let names: Vec<_> = Profile::ALL.iter().map(|p| p.name).collect();
    writeln!(
        text,
        "\nThe main and preprocessed columns are the same in every profile ({}); a profile with blow-up B commits B times these cells. \
         Where columns count interactions share columns up to degree 9, and in the lifted format there is one quotient for all tables: `plica analyze` counts these.",
        names.join(", ")
    )
    .expect("a string grows");
    text
}

#[test]
fn instructions_stay_within_their_budgets() {
    for (kind, columns) in ChipKind::ALL.into_iter().zip(machine().columns()) {
        let Some((per_row, what, budget)) = budget(kind) else {
            continue;
        };
        let row = columns.main + columns.preprocessed + columns.bus + columns.quotient;
        let cells = row as f64 / per_row as f64;
        assert!(cells <= budget, "{what}: {cells} cells, budget {budget}");
        let compact = [
            ChipKind::RpoCompact,
            ChipKind::NodeCompact,
            ChipKind::AbsorbCompact,
        ]
        .contains(&kind);
        let most = if compact { 9 } else { 3 };
        assert!(columns.degree <= most, "{what}");
    }
}

#[test]
fn the_book_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/chips.md");
    let text = std::fs::read_to_string(&path).expect("the book is there");
    let (begin, end) = ("<!-- cells:begin -->\n", "<!-- cells:end -->");
    let start = text.find(begin).expect("the marker is there") + begin.len();
    let stop = text.find(end).expect("the marker is there");
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let updated = format!("{}{table}{}", &text[..start], &text[stop..]);
        std::fs::write(&path, updated).expect("the book can be written");
        return;
    }
    assert_eq!(
        &text[start..stop],
        table,
        "UPDATE_DOCS=1 rewrites the table"
    );
}
