//! The encodings are exact inverses on canonical values and refuse everything else.

use p3_field::PrimeField64;
use plica_field::{
    Canonical, EncodingError, Ext, Felt, MODULUS, TextError, Word, felt_from_bytes, felt_from_u64,
    felt_to_bytes, format_felt, format_word, parse_felt, parse_word,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    #[serde(with = "plica_field::serde_canonical")]
    element: Felt,
    #[serde(with = "plica_field::serde_canonical")]
    extension: Ext,
    #[serde(with = "plica_field::serde_canonical")]
    word: Word,
    #[serde(with = "plica_field::serde_canonical")]
    words: Vec<Word>,
}

/// Any representative, canonical or not.
fn felt() -> impl Strategy<Value = Felt> {
    prop_oneof![
        any::<u64>(),
        MODULUS - 2..=u64::MAX,
        0..3u64,
        (1 << 32) - 2..(1u64 << 32) + 2
    ]
    .prop_map(Felt::new)
}

fn ext() -> impl Strategy<Value = Ext> {
    prop::array::uniform3(felt()).prop_map(Ext::new)
}

fn word() -> impl Strategy<Value = Word> {
    prop::array::uniform4(felt())
}

fn round_trip<T: Canonical + PartialEq + core::fmt::Debug>(value: &T) -> Result<(), TestCaseError> {
    let bytes = value.to_bytes();
    prop_assert_eq!(bytes.len(), T::BYTES);
    prop_assert_eq!(&T::from_bytes(&bytes).unwrap(), value);
    for got in [0, T::BYTES - 1, T::BYTES + 1] {
        let mut wrong = bytes.clone();
        wrong.resize(got, 0);
        let expected = EncodingError::Length {
            expected: T::BYTES,
            got,
        };
        prop_assert_eq!(T::from_bytes(&wrong).unwrap_err(), expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn bytes_round_trip(x in felt(), e in ext(), w in word()) {
        round_trip(&x)?;
        round_trip(&e)?;
        round_trip(&w)?;
        prop_assert_eq!(felt_from_bytes(felt_to_bytes(x)).unwrap(), x);
    }

    #[test]
    fn bytes_of_a_value_not_below_p_are_refused(w in word(), index in 0..4usize, value in MODULUS..=u64::MAX) {
        prop_assert!(felt_from_u64(value).is_none());
        prop_assert_eq!(
            felt_from_bytes(value.to_le_bytes()),
            Err(EncodingError::NotCanonical { index: 0, value })
        );
        let mut bytes = w.to_bytes();
        bytes[8 * index..8 * index + 8].copy_from_slice(&value.to_le_bytes());
        let expected = EncodingError::NotCanonical { index, value };
        prop_assert_eq!(Word::from_bytes(&bytes), Err(expected));
        let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        prop_assert_eq!(parse_word(&format!("0x{digits}")), Err(TextError::Encoding(expected)));
    }

    #[test]
    fn text_round_trips(x in felt(), w in word()) {
        prop_assert_eq!(parse_felt(&format_felt(x)).unwrap(), x);
        let text = format_word(&w);
        prop_assert_eq!(text.len(), 66);
        prop_assert_eq!(parse_word(&text).unwrap(), w);
        prop_assert_eq!(parse_word(&format!("0x{}", text[2..].to_uppercase())).unwrap(), w);
    }

    #[test]
    fn an_accepted_text_is_the_canonical_one(text in "[0-9+\\- _.a-fx]{0,24}|[0-9]{1,21}") {
        if let Ok(x) = parse_felt(&text) {
            prop_assert_eq!(format_felt(x), text);
        }
    }

    #[test]
    fn numbers_not_below_p_are_refused(value in u128::from(MODULUS)..=u128::MAX) {
        prop_assert_eq!(parse_felt(&value.to_string()), Err(TextError::TooLarge));
    }

    #[test]
    fn serde_round_trips(element in felt(), extension in ext(), word in word(), words in prop::collection::vec(word(), 0..4)) {
        let record = Record { element, extension, word, words };
        let json = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Record>(&json).unwrap(), &record);
        let binary = postcard::to_stdvec(&record).unwrap();
        prop_assert_eq!(binary.len(), 8 * (1 + 3 + 4 + 4 * record.words.len()) + 1);
        prop_assert!(binary.starts_with(&felt_to_bytes(record.element)));
        prop_assert_eq!(&postcard::from_bytes::<Record>(&binary).unwrap(), &record);
    }

    #[test]
    fn serde_refuses_values_not_below_p(value in MODULUS..=u64::MAX, index in 0..8usize) {
        let record = Record {
            element: Felt::new(1),
            extension: Ext::new([Felt::new(2), Felt::new(3), Felt::new(4)]),
            word: [5, 6, 7, 8].map(Felt::new),
            words: vec![],
        };
        let mut binary = postcard::to_stdvec(&record).unwrap();
        binary[8 * index..8 * index + 8].copy_from_slice(&value.to_le_bytes());
        prop_assert!(postcard::from_bytes::<Record>(&binary).is_err());
        let json = serde_json::to_string(&record).unwrap();
        let json = json.replace(&format!("\"{}\"", index + 1), &format!("\"{value}\""));
        prop_assert!(serde_json::from_str::<Record>(&json).is_err());
    }
}

#[test]
fn junk_is_refused_with_its_reason() {
    assert_eq!(parse_felt(""), Err(TextError::Empty));
    assert_eq!(parse_felt("00"), Err(TextError::LeadingZero));
    assert_eq!(parse_felt("18446744069414584321"), Err(TextError::TooLarge));
    assert_eq!(
        parse_felt("18446744069414584320"),
        Ok(Felt::new(MODULUS - 1))
    );
    for (text, found, at) in [
        ("+1", '+', 0),
        ("-1", '-', 0),
        ("1 ", ' ', 1),
        ("0x1", 'x', 1),
        ("1_0", '_', 1),
        ("٣", '٣', 0),
    ] {
        assert_eq!(parse_felt(text), Err(TextError::Character { found, at }));
    }

    let zeros = "0".repeat(64);
    assert_eq!(parse_word(&zeros), Err(TextError::Prefix));
    assert_eq!(parse_word(""), Err(TextError::Prefix));
    assert_eq!(parse_word("0x"), Err(TextError::Digits { got: 0 }));
    assert_eq!(
        parse_word(&format!("0x{zeros}0")),
        Err(TextError::Digits { got: 65 })
    );
    assert_eq!(
        parse_word("0x0g"),
        Err(TextError::Character { found: 'g', at: 3 })
    );
    assert_eq!(parse_word(&format!("0x{zeros}")), Ok([Felt::new(0); 4]));
}

#[test]
fn the_forms_of_a_known_word() {
    let word = [1, 2, 3, MODULUS - 1].map(Felt::new);
    let text = "0x01000000000000000200000000000000030000000000000000000000ffffffff".to_string();
    assert_eq!(format_word(&word), text);
    let json = serde_json::to_value(Record {
        element: word[3],
        extension: Ext::new([word[0], word[1], word[2]]),
        word,
        words: vec![word],
    })
    .unwrap();
    let strings = serde_json::json!(["1", "2", "3", "18446744069414584320"]);
    assert_eq!(json["element"], "18446744069414584320");
    assert_eq!(json["extension"], serde_json::json!(["1", "2", "3"]));
    assert_eq!(json["word"], strings);
    assert_eq!(json["words"][0], strings);
    assert_eq!(word[3].as_canonical_u64(), MODULUS - 1);
}

#[test]
fn serde_refuses_numbers_and_wrong_lengths() {
    #[derive(Debug, Deserialize)]
    struct One {
        #[serde(with = "plica_field::serde_canonical")]
        _word: Word,
    }
    for text in [
        r#"{"_word":["1","2","3"]}"#,
        r#"{"_word":["1","2","3","4","5"]}"#,
        r#"{"_word":[1,2,3,4]}"#,
        r#"{"_word":"1"}"#,
        r#"{"_word":["1","2","3","-4"]}"#,
    ] {
        assert!(serde_json::from_str::<One>(text).is_err(), "{text}");
    }
}
