//! What a code may look like.
//!
//! Codes of other systems are taken as they are, within limits. Only agencies, whose codes stand in case
//! codes, and officials, who must not be named, follow a stricter rule.

/// The characters a code has at most.
pub(crate) const CODE_CHARS_MAX: usize = 100;
/// The characters the code of an agency has at most.
pub(crate) const AGENCY_CHARS_MAX: usize = 32;

/// Why a text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodeError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Perhaps a text and no code.
    #[error("is longer than {CODE_CHARS_MAX} characters")]
    TooLong,
    /// A line break, a tab, a null byte.
    #[error("has a control character")]
    ControlCharacter,
    /// Agencies have the stricter rule.
    #[error(
        "is no code of an agency (1 to {AGENCY_CHARS_MAX} of A-Z, a-z, 0-9 and `.`): map it with `values`"
    )]
    NotAnAgency,
}

/// Checks a code that is trimmed already.
pub(crate) fn check(code: &str) -> Result<(), CodeError> {
    if code.is_empty() {
        Err(CodeError::Empty)
    } else if code.chars().any(char::is_control) {
        Err(CodeError::ControlCharacter)
    } else if code.chars().nth(CODE_CHARS_MAX).is_some() {
        Err(CodeError::TooLong)
    } else {
        Ok(())
    }
}

/// Checks the code of an agency.
pub(crate) fn check_agency(code: &str) -> Result<(), CodeError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    if (1..=AGENCY_CHARS_MAX).contains(&code.len()) && code.bytes().all(allowed) {
        Ok(())
    } else {
        Err(CodeError::NotAnAgency)
    }
}

/// True for a pseudonymous id: 1 to 64 ASCII letters, digits and `._-`. A name with spaces or accents is
/// none.
pub(crate) fn is_pseudonym(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&id.len()) && id.bytes().all(allowed)
}

/// The code of the agency for a source that names none: `wabo-receipt` gives `WABO.RECEIPT`.
pub(crate) fn agency_of_source(source: &str) -> String {
    let mut code = String::new();
    for character in source.chars() {
        if character.is_ascii_alphanumeric() {
            code.push(character.to_ascii_uppercase());
        } else if !code.is_empty() && !code.ends_with('.') {
            code.push('.');
        }
    }
    code.truncate(AGENCY_CHARS_MAX);
    let code = code.trim_end_matches('.');
    if code.is_empty() { "SOURCE".to_owned() } else { code.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_limited_in_characters_not_bytes() {
        assert_eq!(check(&"ê".repeat(100)), Ok(()));
        assert_eq!(check(&"ê".repeat(101)), Err(CodeError::TooLong));
        assert_eq!(check(""), Err(CodeError::Empty));
        assert_eq!(check("a\nb"), Err(CodeError::ControlCharacter));
        assert_eq!(check("T02 Check confirmation, & more"), Ok(()));
    }

    #[test]
    fn agencies_have_the_stricter_rule() {
        assert_eq!(check_agency("H57.18"), Ok(()));
        assert_eq!(check_agency(&"A".repeat(32)), Ok(()));
        for code in ["", "H 57", "H57-18", "Sở", &"A".repeat(33)] {
            assert_eq!(check_agency(code), Err(CodeError::NotAnAgency), "{code}");
        }
    }

    #[test]
    fn a_source_gives_a_valid_agency() {
        assert_eq!(agency_of_source("wabo-receipt"), "WABO.RECEIPT");
        assert_eq!(agency_of_source("--x__y--"), "X.Y");
        assert_eq!(agency_of_source("._-"), "SOURCE");
        let long = agency_of_source(&"a-".repeat(32));
        assert_eq!(check_agency(&long), Ok(()), "{long}");
    }

    #[test]
    fn names_are_no_pseudonyms() {
        assert!(is_pseudonym("Resource01"));
        assert!(is_pseudonym("o-17.a_B"));
        for name in ["", "Trần", "J. Doe", &"x".repeat(65)] {
            assert!(!is_pseudonym(name), "{name}");
        }
    }
}
