//! What is odd about a row that goes in all the same.

/// One oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flag {
    /// Its time lies before the case was received.
    BeforeStart,
    /// Its time lies after the case was closed.
    AfterEnd,
    /// The unit's name is `EMPTY`.
    UnitEmpty,
    /// The official was no pseudonymous id and got one.
    OfficialRenamed,
    /// The channel is none of ours.
    ChannelUnknown,
    /// It says something else about its case than an earlier row; the earlier one holds.
    AttributeConflict,
    /// Its deadline, start or end can't be read and was left out.
    AttributeUnreadable,
}

impl Flag {
    const ALL: [Self; 7] = [
        Self::BeforeStart,
        Self::AfterEnd,
        Self::UnitEmpty,
        Self::OfficialRenamed,
        Self::ChannelUnknown,
        Self::AttributeConflict,
        Self::AttributeUnreadable,
    ];

    /// Its name in summaries.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BeforeStart => "before_start",
            Self::AfterEnd => "after_end",
            Self::UnitEmpty => "unit_empty",
            Self::OfficialRenamed => "official_renamed",
            Self::ChannelUnknown => "channel_unknown",
            Self::AttributeConflict => "attribute_conflict",
            Self::AttributeUnreadable => "attribute_unreadable",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    /// True if nothing is odd.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags, in the order of [`Flag`].
    pub(crate) fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.0 & flag.bit() != 0)
    }

    pub(super) fn set(&mut self, flag: Flag) {
        self.0 |= flag.bit();
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    pub(super) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_a_set_with_names() {
        let mut flags = Flags::default();
        assert!(flags.is_empty());
        flags.set(Flag::AttributeUnreadable);
        flags.set(Flag::BeforeStart);
        flags.set(Flag::BeforeStart);
        let names: Vec<_> = flags.iter().map(Flag::as_str).collect();
        assert_eq!(names, ["before_start", "attribute_unreadable"]);
        assert_eq!(Flags::from_bits(flags.bits()), flags);
    }
}
