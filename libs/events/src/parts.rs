//! An event's type and data as what serde expects of an event: a map of the two.

use serde::{
    Deserializer, de,
    de::value::{BorrowedStrDeserializer, StrDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Error, value::RawValue};

/// `{"type": …, "data": …}`, without anybody having to write it.
pub(crate) struct Parts<'de> {
    event_type: Option<&'de str>,
    data: Option<&'de RawValue>,
}

impl<'de> Parts<'de> {
    pub(crate) fn new(event_type: &'de str, data: &'de RawValue) -> Self {
        Self { event_type: Some(event_type), data: Some(data) }
    }
}

impl<'de> Deserializer<'de> for Parts<'de> {
    type Error = Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> de::MapAccess<'de> for Parts<'de> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let key = match (self.event_type, self.data) {
            (Some(_), _) => "type",
            (None, Some(_)) => "data",
            (None, None) => return Ok(None),
        };
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match (self.event_type.take(), self.data) {
            (Some(event_type), _) => seed.deserialize(BorrowedStrDeserializer::new(event_type)),
            (None, Some(data)) => {
                self.data = None;
                seed.deserialize(data)
            }
            (None, None) => Err(de::Error::custom("a value is asked for where there is none")),
        }
    }
}
