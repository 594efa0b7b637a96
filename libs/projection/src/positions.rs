//! A set of positions in a row. Most hold a few, and there are very many of them; some hold thousands.

use std::io;

use roaring::RoaringTreemap;

/// From so many positions on a set is a bitmap.
const MANY: usize = 64;

/// A set of positions that grows.
#[derive(Debug, Clone)]
pub struct PositionSet(Repr);

#[derive(Debug, Clone)]
enum Repr {
    /// In order.
    Few(Vec<u64>),
    Many(Box<RoaringTreemap>),
}

/// What a stored set begins with: a list of distances follows, or a bitmap.
const FEW: u8 = 0;
const BITMAP: u8 = 1;

impl Default for PositionSet {
    fn default() -> Self {
        Self(Repr::Few(Vec::new()))
    }
}

impl PartialEq for PositionSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<u64> for PositionSet {
    fn from_iter<I: IntoIterator<Item = u64>>(positions: I) -> Self {
        let mut set = Self::default();
        for position in positions {
            set.insert(position);
        }
        set
    }
}

impl PositionSet {
    /// Adds a position; false if it was there.
    pub fn insert(&mut self, position: u64) -> bool {
        let few = match &mut self.0 {
            Repr::Many(many) => return many.insert(position),
            Repr::Few(few) => few,
        };
        match few.last() {
            Some(last) if *last >= position => match few.binary_search(&position) {
                Ok(_) => return false,
                Err(place) => few.insert(place, position),
            },
            _ => few.push(position),
        }
        if few.len() >= MANY {
            self.0 = Repr::Many(Box::new(few.iter().copied().collect()));
        }
        true
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Repr::Few(few) => few.len() as u64,
            Repr::Many(many) => many.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last one.
    pub fn last(&self) -> Option<u64> {
        match &self.0 {
            Repr::Few(few) => few.last().copied(),
            Repr::Many(many) => many.max(),
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let (few, many) = match &self.0 {
            Repr::Few(few) => (Some(few), None),
            Repr::Many(many) => (None, Some(many)),
        };
        few.into_iter().flatten().copied().chain(many.into_iter().flat_map(|many| many.iter()))
    }

    /// Takes away what comes after a position; true if there was anything.
    pub(crate) fn cut(&mut self, position: u64) -> bool {
        let is_cut = self.last().is_some_and(|last| last > position);
        match &mut self.0 {
            _ if !is_cut => {}
            Repr::Few(few) => few.truncate(few.partition_point(|p| *p <= position)),
            Repr::Many(many) => {
                many.remove_range(position + 1..);
            }
        }
        is_cut
    }

    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        match &self.0 {
            Repr::Few(few) => {
                let mut bytes = Vec::with_capacity(2 + few.len() * 3);
                bytes.push(FEW);
                let mut before = 0;
                for position in few {
                    push_varint(&mut bytes, position - before);
                    before = *position;
                }
                Ok(bytes)
            }
            Repr::Many(many) => {
                let mut bytes = Vec::with_capacity(1 + many.serialized_size());
                bytes.push(BITMAP);
                many.serialize_into(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        match bytes.split_first() {
            Some((&FEW, distances)) => Ok(Self(Repr::Few(few(distances)?))),
            Some((&BITMAP, bitmap)) => {
                Ok(Self(Repr::Many(Box::new(RoaringTreemap::deserialize_from(bitmap)?))))
            }
            _ => Err(damaged()),
        }
    }

    /// A stored set as a bitmap, for queries.
    pub(crate) fn bitmap(bytes: &[u8]) -> io::Result<RoaringTreemap> {
        match bytes.split_first() {
            Some((&FEW, distances)) => Ok(few(distances)?.into_iter().collect()),
            Some((&BITMAP, bitmap)) => RoaringTreemap::deserialize_from(bitmap),
            _ => Err(damaged()),
        }
    }
}

fn few(distances: &[u8]) -> io::Result<Vec<u64>> {
    let (mut positions, mut before, mut rest) = (Vec::new(), 0_u64, distances);
    while !rest.is_empty() {
        let (distance, tail) = varint(rest).ok_or_else(damaged)?;
        before = before.checked_add(distance).ok_or_else(damaged)?;
        positions.push(before);
        rest = tail;
    }
    Ok(positions)
}

/// A number in groups of seven bits, the lowest first; all but the last with the eighth bit set.
fn push_varint(bytes: &mut Vec<u8>, mut n: u64) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0_u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        n |= u64::from(byte & 0x7f).checked_shl(u32::try_from(i * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a stored set of positions")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_however_it_is_kept(
            positions in proptest::collection::vec(prop_oneof![0..200_u64, any::<u64>()], 0..200),
            cut in 0..200_u64,
        ) {
            let expected: BTreeSet<u64> = positions.iter().copied().collect();
            let mut set = PositionSet::default();
            let mut seen = BTreeSet::new();
            for position in positions {
                prop_assert_eq!(set.insert(position), seen.insert(position));
            }
            prop_assert!(set.iter().eq(expected.iter().copied()));
            prop_assert_eq!((set.len(), set.last()), (expected.len() as u64, expected.last().copied()));
            let bytes = set.to_bytes().unwrap();
            prop_assert_eq!(&PositionSet::from_bytes(&bytes).unwrap(), &set);
            prop_assert!(PositionSet::bitmap(&bytes).unwrap().iter().eq(expected.iter().copied()));
            let is_cut = set.cut(cut);
            prop_assert_eq!(is_cut, expected.last().is_some_and(|last| *last > cut));
            prop_assert!(set.iter().eq(expected.range(..=cut).copied()));
        }

        #[test]
        fn bytes_that_are_no_set_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let read = PositionSet::from_bytes(&bytes);
            if bytes.first().is_none_or(|first| *first > 1) {
                prop_assert!(read.is_err());
            }
        }
    }
}
