//! An event's type and data as what serde expects of an event: a map of the two.

use serde::{Deserializer, de, de::value::StrDeserializer, forward_to_deserialize_any};
use serde_json::{Error, de::StrRead};

/// `{"type": …, "data": …}`, without anybody having to write it.
pub(crate) struct Parts<'p, 'de> {
    event_type: Option<&'p str>,
    data: Option<&'p mut serde_json::Deserializer<StrRead<'de>>>,
}

impl<'p, 'de> Parts<'p, 'de> {
    pub(crate) fn new(event_type: &'p str, data: &'p mut serde_json::Deserializer<StrRead<'de>>) -> Self {
        Self { event_type: Some(event_type), data: Some(data) }
    }
}

impl<'de> Deserializer<'de> for Parts<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> de::MapAccess<'de> for Parts<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let key = match (&self.event_type, &self.data) {
            (Some(_), _) => "type",
            (None, Some(_)) => "data",
            (None, None) => return Ok(None),
        };
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        if let Some(event_type) = self.event_type.take() {
            return seed.deserialize(StrDeserializer::new(event_type));
        }
        match self.data.take() {
            Some(data) => seed.deserialize(data),
            None => Err(de::Error::custom("a value is asked for where there is none")),
        }
    }
}
