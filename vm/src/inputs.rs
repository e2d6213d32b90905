//! What a program is run on, and what it computed: the `.inputs` and `.outputs` files.
//!
//! ```json
//! { "operand_stack": ["1", "2"],
//!   "advice_stack":  ["7", "8"],
//!   "advice_map":    {"0x…64 digits…": [10, 20]},
//!   "merkle_store":  [{"merkle_tree": ["0x…64 digits…", …]},
//!                     {"sparse_merkle_tree": [[index, "0x…"], …]},
//!                     {"partial_merkle_tree": [[[depth, index], "0x…"], …]}] }
//! ```
//!
//! Only `operand_stack` is mandatory; its *last* entry is the top of the stack. Every value must be below the order of
//! the field. Unknown keys are ignored.

use std::collections::{BTreeMap, BTreeSet};

use plica_field::p3::PrimeField64;
use plica_field::{Felt, MODULUS, Word};
use serde_json::{Map, Value};

use crate::syntax::word_digits;

/// How many elements the public inputs and outputs have.
pub const STACK_SIZE: usize = 16;

/// The input of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The initial stack, top first, at most [`STACK_SIZE`] elements. Below them are zeros.
    pub operand_stack: Vec<Felt>,
    /// The advice stack; the first entry is popped first.
    pub advice_stack: Vec<Felt>,
    /// The advice map.
    pub advice_map: BTreeMap<Word, Vec<Felt>>,
    /// The trees that Merkle instructions know beside the empty ones.
    pub merkle_store: Vec<MerkleTree>,
    /// What the runs of a joint proof start with ([`crate::joint`]); no file has them.
    pub runs: Vec<Self>,
}

/// What a run starts with: a stack, and advice if there is any.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Top first.
    pub stack: [Felt; STACK_SIZE],
    /// The rest of the inputs.
    pub advice: Option<&'a Inputs>,
}

impl<'a> From<&'a Inputs> for Start<'a> {
    fn from(inputs: &'a Inputs) -> Self {
        Self {
            stack: inputs.initial_stack(),
            advice: Some(inputs),
        }
    }
}

impl From<&[Felt; STACK_SIZE]> for Start<'_> {
    fn from(stack: &[Felt; STACK_SIZE]) -> Self {
        Self {
            stack: *stack,
            advice: None,
        }
    }
}

/// A tree of the Merkle store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MerkleTree {
    /// A complete tree; the number of leaves is a power of two and at least 2.
    Full(Vec<Word>),
    /// A tree of depth 64 whose other leaves are zero words.
    Sparse(Vec<(u64, Word)>),
    /// Nodes at depth (1 to 64) and index (below 2^depth).
    Partial(Vec<(u8, u64, Word)>),
}

/// What is wrong with an input or output file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// Not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// A missing entry.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A value of another kind.
    #[error("`{place}` must be {expected}, found {found}")]
    Kind {
        /// Where, as in `operand_stack[3]`.
        place: String,
        /// What must stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A number that is no field element.
    #[error("`{place}`: {value} is not below the order of the field, {MODULUS}")]
    NotCanonical {
        /// Where.
        place: String,
        /// The number.
        value: String,
    },
    /// Too many or too few entries.
    #[error("`{place}` has {found} entries, but must have {expected}")]
    Length {
        /// Where.
        place: String,
        /// How many are allowed.
        expected: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A position outside a Merkle tree.
    #[error("`{place}`: there is no node {index} at depth {depth}")]
    Position {
        /// Where.
        place: String,
        /// The depth.
        depth: u64,
        /// The index.
        index: u64,
    },
    /// A position or key that is given twice.
    #[error("`{0}` repeats an earlier entry")]
    Repeated(String),
}

type Result<T> = std::result::Result<T, InputsError>;

impl Inputs {
    /// Inputs with this stack, top first, and no advice.
    pub fn from_stack(top_first: impl Into<Vec<Felt>>) -> Self {
        Self {
            operand_stack: top_first.into(),
            ..Self::default()
        }
    }

    /// Reads a `.inputs` file.
    ///
    /// # Errors
    /// The first entry that is not as the module's documentation says.
    pub fn from_json(text: &str) -> Result<Self> {
        let root = parse_object(text)?;
        let mut operand_stack = match root.get("operand_stack") {
            Some(value) => strings("operand_stack", value)?,
            None => return Err(InputsError::Missing("operand_stack".to_owned())),
        };
        if operand_stack.len() > STACK_SIZE {
            let place = "operand_stack".to_owned();
            return Err(InputsError::Length {
                place,
                expected: "at most 16",
                found: operand_stack.len(),
            });
        }
        operand_stack.reverse();
        Ok(Self {
            operand_stack,
            advice_stack: root
                .get("advice_stack")
                .map_or(Ok(Vec::new()), |value| strings("advice_stack", value))?,
            advice_map: root
                .get("advice_map")
                .map_or(Ok(BTreeMap::new()), advice_map)?,
            merkle_store: root
                .get("merkle_store")
                .map_or(Ok(Vec::new()), merkle_store)?,
            runs: Vec::new(),
        })
    }

    /// The stack at the start, top first, filled up with zeros.
    pub fn initial_stack(&self) -> [Felt; STACK_SIZE] {
        let mut stack = [Felt::new(0); STACK_SIZE];
        for (slot, value) in stack.iter_mut().zip(&self.operand_stack) {
            *slot = *value;
        }
        stack
    }
}

/// The outputs as JSON, `{"outputs":["…", …]}` with 16 decimal strings, top first.
pub fn outputs_to_json(outputs: &[Felt; STACK_SIZE]) -> String {
    let strings: Vec<String> = outputs
        .iter()
        .map(|value| value.as_canonical_u64().to_string())
        .collect();
    serde_json::json!({ "outputs": strings }).to_string()
}

/// Reads outputs: a list of 16 decimal strings, top first, called `outputs` or `stack`.
///
/// # Errors
/// The first entry that is not of that form.
pub fn outputs_from_json(text: &str) -> Result<[Felt; STACK_SIZE]> {
    let root = parse_object(text)?;
    let (place, value) = ["outputs", "stack"]
        .into_iter()
        .find_map(|key| Some((key, root.get(key)?)))
        .ok_or_else(|| InputsError::Missing("outputs".to_owned()))?;
    let values = strings(place, value)?;
    let found = values.len();
    values.try_into().map_err(|_| InputsError::Length {
        place: place.to_owned(),
        expected: "16",
        found,
    })
}

fn parse_object(text: &str) -> Result<Map<String, Value>> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| InputsError::Json(error.to_string()))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(wrong_kind("the file", "an object", &other)),
    }
}

fn wrong_kind(place: &str, expected: &'static str, found: &Value) -> InputsError {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {value}"),
        Value::String(value) => format!("the string {:?}", shortened(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    InputsError::Kind {
        place: place.to_owned(),
        expected,
        found,
    }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn list<'a>(place: &str, value: &'a Value) -> Result<&'a Vec<Value>> {
    value
        .as_array()
        .ok_or_else(|| wrong_kind(place, "a list", value))
}

/// The entries of a list, each with its place.
fn entries<'a>(place: &str, value: &'a Value) -> Result<impl Iterator<Item = (String, &'a Value)>> {
    let entries = list(place, value)?.iter().enumerate();
    Ok(entries.map(move |(index, entry)| (format!("{place}[{index}]"), entry)))
}

/// A list of exactly two.
fn pair<'a>(place: &str, value: &'a Value) -> Result<(&'a Value, &'a Value)> {
    match list(place, value)?.as_slice() {
        [first, second] => Ok((first, second)),
        other => Err(InputsError::Length {
            place: place.to_owned(),
            expected: "2",
            found: other.len(),
        }),
    }
}

/// A list of field elements, written as decimal strings.
fn strings(place: &str, value: &Value) -> Result<Vec<Felt>> {
    const EXPECTED: &str = "a decimal number in a string";
    let element = |(place, entry): (String, &Value)| {
        let Value::String(text) = entry else {
            return Err(wrong_kind(&place, EXPECTED, entry));
        };
        if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong_kind(&place, EXPECTED, entry));
        }
        match text.parse::<u64>() {
            Ok(value) if value < MODULUS => Ok(Felt::new(value)),
            _ => Err(InputsError::NotCanonical {
                place,
                value: shortened(text),
            }),
        }
    };
    entries(place, value)?.map(element).collect()
}

fn integer(place: &str, value: &Value) -> Result<u64> {
    value
        .as_u64()
        .ok_or_else(|| wrong_kind(place, "a number of at most 64 bits", value))
}

/// A word in a string: `0x` and 64 digits, four elements of eight bytes, least significant byte first.
fn word(place: &str, value: &Value) -> Result<Word> {
    const EXPECTED: &str = "a word, \"0x\" and 64 hexadecimal digits";
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let digits = digits.filter(|digits| {
        digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let digits = digits.ok_or_else(|| wrong_kind(place, EXPECTED, value))?;
    match word_digits(digits) {
        Some(word) if word.iter().all(|&value| value < MODULUS) => Ok(word.map(Felt::new)),
        _ => Err(InputsError::NotCanonical {
            place: place.to_owned(),
            value: digits.to_owned(),
        }),
    }
}

fn advice_map(value: &Value) -> Result<BTreeMap<Word, Vec<Felt>>> {
    let object = value
        .as_object()
        .ok_or_else(|| wrong_kind("advice_map", "an object", value))?;
    let mut map = BTreeMap::new();
    for (key, values) in object {
        let place = format!("advice_map[{:?}]", shortened(key));
        let key = word(&place, &Value::String(key.clone()))?;
        let element = |(place, entry): (String, &Value)| {
            let value = integer(&place, entry)?;
            if value >= MODULUS {
                return Err(InputsError::NotCanonical {
                    place,
                    value: value.to_string(),
                });
            }
            Ok(Felt::new(value))
        };
        let values = entries(&place, values)?
            .map(element)
            .collect::<Result<_>>()?;
        if map.insert(key, values).is_some() {
            return Err(InputsError::Repeated(place));
        }
    }
    Ok(map)
}

fn merkle_store(value: &Value) -> Result<Vec<MerkleTree>> {
    entries("merkle_store", value)?
        .map(|(place, entry)| merkle_tree(&place, entry))
        .collect()
}

fn merkle_tree(place: &str, value: &Value) -> Result<MerkleTree> {
    const EXPECTED: &str =
        "an object with one of `merkle_tree`, `sparse_merkle_tree`, `partial_merkle_tree`";
    let object = value
        .as_object()
        .ok_or_else(|| wrong_kind(place, EXPECTED, value))?;
    let inside = |key: &str| format!("{place}.{key}");
    if let Some(leaves) = object.get("merkle_tree") {
        full_tree(&inside("merkle_tree"), leaves)
    } else if let Some(leaves) = object.get("sparse_merkle_tree") {
        sparse_tree(&inside("sparse_merkle_tree"), leaves)
    } else if let Some(nodes) = object.get("partial_merkle_tree") {
        partial_tree(&inside("partial_merkle_tree"), nodes)
    } else {
        Err(wrong_kind(place, EXPECTED, value))
    }
}

fn full_tree(place: &str, value: &Value) -> Result<MerkleTree> {
    let leaves = entries(place, value)?
        .map(|(place, leaf)| word(&place, leaf))
        .collect::<Result<Vec<_>>>()?;
    if leaves.len() < 2 || !leaves.len().is_power_of_two() {
        let place = place.to_owned();
        return Err(InputsError::Length {
            place,
            expected: "a power of two, at least 2",
            found: leaves.len(),
        });
    }
    Ok(MerkleTree::Full(leaves))
}

fn sparse_tree(place: &str, value: &Value) -> Result<MerkleTree> {
    let mut seen = BTreeSet::new();
    let leaf = |(place, entry): (String, &Value)| {
        let (index, leaf) = pair(&place, entry)?;
        let index = integer(&format!("{place}[0]"), index)?;
        let leaf = word(&format!("{place}[1]"), leaf)?;
        if seen.insert(index) {
            Ok((index, leaf))
        } else {
            Err(InputsError::Repeated(place))
        }
    };
    Ok(MerkleTree::Sparse(
        entries(place, value)?.map(leaf).collect::<Result<_>>()?,
    ))
}

fn partial_tree(place: &str, value: &Value) -> Result<MerkleTree> {
    let mut seen = BTreeSet::new();
    let node = |(place, entry): (String, &Value)| {
        let (position, node) = pair(&place, entry)?;
        let at = format!("{place}[0]");
        let (depth, index) = pair(&at, position)?;
        let depth = integer(&format!("{at}[0]"), depth)?;
        let index = integer(&format!("{at}[1]"), index)?;
        let node = word(&format!("{place}[1]"), node)?;
        if !(1..=64).contains(&depth) || depth < 64 && index >> depth != 0 {
            return Err(InputsError::Position {
                place: at,
                depth,
                index,
            });
        }
        let depth = depth as u8;
        if seen.insert((depth, index)) {
            Ok((depth, index, node))
        } else {
            Err(InputsError::Repeated(place))
        }
    };
    Ok(MerkleTree::Partial(
        entries(place, value)?.map(node).collect::<Result<_>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = "0x01000000000000000200000000000000030000000000000004000000000000ff";

    fn error(text: &str) -> String {
        Inputs::from_json(text).unwrap_err().to_string()
    }

    fn felts(values: &[u64]) -> Vec<Felt> {
        values.iter().map(|&value| Felt::new(value)).collect()
    }

    #[test]
    fn the_last_entry_is_the_top() {
        let inputs =
            Inputs::from_json(r#"{"operand_stack": ["1", "2", "003"], "note": [true]}"#).unwrap();
        assert_eq!(inputs.operand_stack, felts(&[3, 2, 1]));
        assert_eq!(inputs.initial_stack()[..4], felts(&[3, 2, 1, 0]));
    }

    #[test]
    fn advice_is_kept_typed() {
        let json = r#"{"operand_stack": [], "advice_stack": ["7", "8"], "advice_map": {"WORD": [10, 20]},
            "merkle_store": [{"merkle_tree": ["WORD", "WORD"]}, {"sparse_merkle_tree": [[18446744073709551615, "WORD"]]},
            {"partial_merkle_tree": [[[2, 3], "WORD"]]}]}"#
            .replace("WORD", WORD.replace("ff", "00").as_str());
        let inputs = Inputs::from_json(&json).unwrap();
        let word = Felt::new_array([1, 2, 3, 4]);
        assert_eq!(inputs.advice_stack, felts(&[7, 8]));
        assert_eq!(inputs.advice_map[&word], felts(&[10, 20]));
        let expected = [
            MerkleTree::Full(vec![word; 2]),
            MerkleTree::Sparse(vec![(u64::MAX, word)]),
            MerkleTree::Partial(vec![(2, 3, word)]),
        ];
        assert_eq!(inputs.merkle_store, expected);
    }

    #[test]
    fn errors_name_their_place() {
        let cases = [
            "[]",
            "{",
            "{}",
            r#"{"operand_stack": {}}"#,
            r#"{"operand_stack": ["1", 2]}"#,
            r#"{"operand_stack": ["-1"]}"#,
            r#"{"operand_stack": ["0", "18446744069414584321"]}"#,
            r#"{"operand_stack": ["0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0"]}"#,
            r#"{"operand_stack": [], "advice_stack": ["1", null]}"#,
            r#"{"operand_stack": [], "advice_map": {"0x12": []}}"#,
            r#"{"operand_stack": [], "advice_map": {"W": ["1"]}}"#,
            r#"{"operand_stack": [], "advice_map": {"W": [18446744069414584321]}}"#,
            r#"{"operand_stack": [], "merkle_store": [{}]}"#,
            r#"{"operand_stack": [], "merkle_store": [{"merkle_tree": ["W"]}]}"#,
            r#"{"operand_stack": [], "merkle_store": [{"sparse_merkle_tree": [[1, "W"], [1, "W"]]}]}"#,
            r#"{"operand_stack": [], "merkle_store": [{"partial_merkle_tree": [[[2, 4], "W"]]}]}"#,
            r#"{"operand_stack": [], "merkle_store": [{"merkle_tree": ["BAD", "W"]}]}"#,
        ];
        let zero = format!("0x{}", "0".repeat(64));
        let bad = format!("0x{}", "f".repeat(64));
        let errors: Vec<String> = cases
            .iter()
            .map(|case| error(&case.replace('W', &zero).replace("BAD", &bad)))
            .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn outputs_survive_a_round_trip() {
        let outputs = std::array::from_fn(|i| Felt::new(MODULUS - 1 - i as u64));
        assert_eq!(outputs_from_json(&outputs_to_json(&outputs)), Ok(outputs));
        assert!(outputs_from_json(r#"{"stack": ["1"]}"#).is_err());
    }
}
