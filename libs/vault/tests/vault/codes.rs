//! Follow-up codes: the right one, wrong ones, and too many of these.

use chrono::{DateTime, TimeDelta, Utc};
use vault::{CODE_SECRET_BITS, CodeError, Vault, change_master_key};

use crate::store::{files_with, master, new_vault, other_master};

const REPORT: &str = "report-0123456789";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// The code with another last letter.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('7') { '8' } else { '7' };
    format!("{}{last}", &code[..code.len() - 1])
}

fn locator(n: usize) -> String {
    format!("ZZZZ{n:04}-00000-00000-00000-00000")
}

#[tokio::test]
async fn a_code_finds_its_report() {
    let (_folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    let other = vault.issue_code("report-2").await.unwrap();
    let code = code.reveal();
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [8, 5, 5, 5, 5]);
    for written in [code.to_owned(), code.to_lowercase(), code.replace('-', ""), code.replace('-', " – ")] {
        assert_eq!(vault.check_code(&written, at(0)).await.unwrap(), REPORT);
    }
    let misread = code.replace('0', "O").replace('1', "l");
    assert_eq!(vault.check_code(&misread, at(0)).await.unwrap(), REPORT);
    assert_eq!(vault.check_code(other.reveal(), at(0)).await.unwrap(), "report-2");

    assert!(matches!(vault.check_code(&wrong(code), at(0)).await, Err(CodeError::Unknown)));
    assert!(matches!(vault.check_code(&locator(1), at(0)).await, Err(CodeError::Unknown)));
    assert!(matches!(vault.check_code(&code[1..], at(0)).await, Err(CodeError::Malformed)));
    let crossed = format!("{}{}", &code[..8], &other.reveal()[8..]);
    assert!(matches!(vault.check_code(&crossed, at(0)).await, Err(CodeError::Unknown)));
}

#[tokio::test]
async fn neither_secret_nor_report_is_in_the_files() {
    const { assert!(CODE_SECRET_BITS >= 80) };
    let (folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    vault.check_code(code.reveal(), at(0)).await.unwrap();
    let (locator, secret) = code.reveal().split_once('-').unwrap();
    assert_ne!(files_with(folder.path(), locator.as_bytes()), [""; 0]);
    let joined = secret.replace('-', "");
    for bytes in [secret, &joined, &joined[..10], &joined[10..], REPORT] {
        assert_eq!(files_with(folder.path(), bytes.as_bytes()), [""; 0]);
    }
}

#[tokio::test]
async fn too_many_wrong_secrets_lock_a_code_also_after_a_restart() {
    let (folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    let code = code.reveal();
    for _ in 0..5 {
        assert!(matches!(vault.check_code(&wrong(code), at(0)).await, Err(CodeError::Unknown)));
    }
    let waits = |result| match result {
        Err(CodeError::TooManyAttempts { wait_seconds }) => wait_seconds,
        other => panic!("{other:?}"),
    };
    assert_eq!(waits(vault.check_code(&wrong(code), at(0)).await), 60);
    assert_eq!(waits(vault.check_code(code, at(20)).await), 40, "also the right one");
    vault.close().await.unwrap();

    let vault = Vault::open(folder.path(), &master()).await.unwrap();
    assert_eq!(waits(vault.check_code(code, at(59)).await), 1);
    assert!(matches!(vault.check_code(&wrong(code), at(60)).await, Err(CodeError::Unknown)));
    assert_eq!(waits(vault.check_code(code, at(60)).await), 120, "twice as long");
    assert_eq!(vault.check_code(code, at(180)).await.unwrap(), REPORT);
    for _ in 0..4 {
        assert!(matches!(vault.check_code(&wrong(code), at(180)).await, Err(CodeError::Unknown)));
    }
    assert_eq!(vault.check_code(code, at(180)).await.unwrap(), REPORT, "a right code resets the count");
    for _ in 0..4 {
        assert!(matches!(vault.check_code(&wrong(code), at(180)).await, Err(CodeError::Unknown)));
    }
    assert_eq!(vault.check_code(code, at(180)).await.unwrap(), REPORT);
}

#[tokio::test]
async fn many_tries_at_once_are_counted() {
    let (_folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (vault, code) = (vault.clone(), wrong(code.reveal()));
        tries.spawn(async move { vault.check_code(&code, at(0)).await });
    }
    let answers = tries.join_all().await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Err(CodeError::Unknown))).count(), 5);
}

#[tokio::test]
async fn an_unknown_locator_is_locked_as_a_known_one_is() {
    let (_folder, vault) = new_vault().await;
    for _ in 0..5 {
        assert!(matches!(vault.check_code(&locator(1), at(0)).await, Err(CodeError::Unknown)));
    }
    let locked = vault.check_code(&locator(1), at(0)).await;
    assert!(matches!(locked, Err(CodeError::TooManyAttempts { wait_seconds: 60 })), "{locked:?}");
    assert!(matches!(vault.check_code(&locator(1), at(60)).await, Err(CodeError::Unknown)));
}

#[tokio::test]
async fn unknown_locators_are_limited_and_known_ones_are_not_held_up() {
    let (_folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    for n in 0..30 {
        assert!(matches!(vault.check_code(&locator(n), at(0)).await, Err(CodeError::Unknown)));
    }
    let limited = vault.check_code(&locator(31), at(0)).await;
    assert!(matches!(limited, Err(CodeError::TooManyAttempts { wait_seconds: 2 })), "{limited:?}");
    assert_eq!(vault.check_code(code.reveal(), at(0)).await.unwrap(), REPORT);
    assert!(matches!(vault.check_code(&locator(31), at(2)).await, Err(CodeError::Unknown)));
    assert!(vault.check_code(&locator(31), at(2) + TimeDelta::milliseconds(10)).await.is_err());
}

#[tokio::test]
async fn the_codes_of_a_report_are_erased() {
    let (folder, vault) = new_vault().await;
    let codes = [vault.issue_code(REPORT).await.unwrap(), vault.issue_code(REPORT).await.unwrap()];
    let other = vault.issue_code("report-2").await.unwrap();
    assert_eq!(vault.erase_code(REPORT).await.unwrap(), 2);
    assert_eq!(vault.erase_code(REPORT).await.unwrap(), 0);
    assert_eq!(vault.erase_code("").await.unwrap(), 0);
    for code in &codes {
        assert!(matches!(vault.check_code(code.reveal(), at(0)).await, Err(CodeError::Unknown)));
        assert_eq!(files_with(folder.path(), &code.reveal().as_bytes()[..8]), [""; 0]);
    }
    assert_eq!(vault.check_code(other.reveal(), at(0)).await.unwrap(), "report-2");
}

#[tokio::test]
async fn codes_outlive_the_master_key() {
    let (folder, vault) = new_vault().await;
    let code = vault.issue_code(REPORT).await.unwrap();
    vault.close().await.unwrap();
    change_master_key(folder.path(), &master(), &other_master()).await.unwrap();
    let vault = Vault::open(folder.path(), &other_master()).await.unwrap();
    assert_eq!(vault.check_code(code.reveal(), at(0)).await.unwrap(), REPORT);
    assert!(matches!(vault.check_code(&locator(1), at(0)).await, Err(CodeError::Unknown)));
}
