//! `#[serde(with = "plica_field::serde_canonical")]` for [`Felt`], [`Ext`], [`Word`] and vectors of them.
//!
//! | format | one element | a value of several elements | a vector |
//! |---|---|---|---|
//! | human-readable | decimal string | sequence of strings | sequence |
//! | binary | eight bytes, little-endian | the same, one after the other | length, then the values |
//!
//! A value that is not below p is refused in both.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encoding::{Canonical, felt_from_bytes, felt_to_bytes};
use crate::text::{format_felt, parse_felt};
use crate::{Ext, Felt, Word};

/// Types with this serialised form.
pub trait SerdeCanonical: Sized {
    /// Writes the value.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// Reads a value.
    ///
    /// # Errors
    /// Those of the deserializer, and any element that is not canonical.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// See the [module](self).
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: SerdeCanonical, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

/// See the [module](self).
///
/// # Errors
/// Those of the deserializer, and any element that is not canonical.
pub fn deserialize<'de, T: SerdeCanonical, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::read(deserializer)
}

impl SerdeCanonical for Felt {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&format_felt(*self))
        } else {
            felt_to_bytes(*self).serialize(serializer)
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(DecimalVisitor)
        } else {
            felt_from_bytes(Deserialize::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

impl SerdeCanonical for Ext {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_elements(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_elements(deserializer)
    }
}

impl SerdeCanonical for Word {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_elements(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_elements(deserializer)
    }
}

impl<T: SerdeCanonical> SerdeCanonical for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.len()))?;
        for value in self {
            sequence.serialize_element(&Out(value))?;
        }
        sequence.end()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(VecVisitor(PhantomData))
    }
}

fn write_elements<T: Canonical, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(T::ELEMENTS)?;
    for i in 0..T::ELEMENTS {
        tuple.serialize_element(&Out(&value.element(i)))?;
    }
    tuple.end()
}

fn read_elements<'de, T: Canonical, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_tuple(T::ELEMENTS, ElementsVisitor(PhantomData))
}

/// Serialises through [`SerdeCanonical`].
struct Out<'a, T>(&'a T);

impl<T: SerdeCanonical> Serialize for Out<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Deserialises through [`SerdeCanonical`].
struct In<T>(T);

impl<'de, T: SerdeCanonical> Deserialize<'de> for In<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(In)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Felt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field element as a decimal string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Felt, E> {
        parse_felt(text).map_err(E::custom)
    }
}

struct ElementsVisitor<T>(PhantomData<T>);

impl<'de, T: Canonical> Visitor<'de> for ElementsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} field elements", T::ELEMENTS)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let value = T::from_elements(|i| match sequence.next_element::<In<Felt>>()? {
            Some(In(x)) => Ok(x),
            None => Err(A::Error::invalid_length(i, &self)),
        })?;
        Ok(value)
    }
}

struct VecVisitor<T>(PhantomData<T>);

impl<'de, T: SerdeCanonical> Visitor<'de> for VecVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of field values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        // The announced length is not trusted with memory.
        let mut values = Vec::with_capacity(sequence.size_hint().unwrap_or(0).min(4096));
        while let Some(In(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}
