//! Canonical text: an element is its value in decimal, a word is `0x` and 64 hexadecimal digits.
//!
//! Both directions are exact inverses on what is accepted: no sign, no blank, no leading zero, no digit separator, lower-case
//! digits on output and either case on input.

use p3_field::PrimeField64;

use crate::encoding::{Canonical, EncodingError};
use crate::{Felt, MODULUS, Word, felt_from_u64};

/// A reason to refuse a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing to read.
    #[error("expected a field element, got nothing")]
    Empty,
    /// A character that is not a digit, at this byte.
    #[error("unexpected character `{found}` at byte {at}")]
    Character { found: char, at: usize },
    /// A zero in front of other digits.
    #[error("a number is written without leading zeros")]
    LeadingZero,
    /// A number of p or more.
    #[error("the number is not below the modulus {MODULUS}")]
    TooLarge,
    /// A word without its prefix.
    #[error("a word starts with `0x`")]
    Prefix,
    /// A word with a wrong number of digits.
    #[error("a word has 64 hexadecimal digits, got {got}")]
    Digits { got: usize },
    /// An element of a word that is p or more.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

/// The value of an element in decimal.
pub fn format_felt(x: Felt) -> String {
    x.as_canonical_u64().to_string()
}

/// Reads an element written in decimal.
///
/// # Errors
/// Everything but a decimal number below p without leading zeros.
pub fn parse_felt(text: &str) -> Result<Felt, TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if let Some((at, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        return Err(TextError::Character { found, at });
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(TextError::LeadingZero);
    }
    let value: u64 = text.parse().map_err(|_| TextError::TooLarge)?;
    felt_from_u64(value).ok_or(TextError::TooLarge)
}

/// `0x` and the 32 bytes of the word's canonical encoding in hexadecimal.
pub fn format_word(word: &Word) -> String {
    let mut text = String::with_capacity(2 + 2 * Word::BYTES);
    text.push_str("0x");
    for byte in word.to_bytes() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// Reads a word written by [`format_word`].
///
/// # Errors
/// Everything but `0x` and 64 hexadecimal digits whose four elements are below p.
pub fn parse_word(text: &str) -> Result<Word, TextError> {
    let digits = text.strip_prefix("0x").ok_or(TextError::Prefix)?;
    let mut bytes = [0; Word::BYTES];
    let mut count = 0;
    for (at, found) in digits.char_indices() {
        let digit = found.to_digit(16).ok_or(TextError::Character {
            found,
            at: at + "0x".len(),
        })?;
        if let Some(byte) = bytes.get_mut(count / 2) {
            *byte = *byte << 4 | digit as u8;
        }
        count += 1;
    }
    if count != 2 * Word::BYTES {
        return Err(TextError::Digits { got: count });
    }
    Ok(Word::from_bytes(&bytes)?)
}
