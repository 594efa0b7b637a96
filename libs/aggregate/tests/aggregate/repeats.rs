//! A command sent again gets its first answer; the same id with other content is told so.

use aggregate::{ExecuteError, Request, context, repeat};
use eventlog::{AppendError, EventLog as _};
use identity::{Caller, Role};
use proto::ledger as pb;

use crate::tank::{Command, Error, Refusal, Store, TankEvent, request};

#[tokio::test]
async fn a_retry_gets_the_first_answer_where_it_would_be_refused_now() {
    let store = Store::new().await;
    let fill = request("a", 1);
    let first = store.run(&fill, Command::Fill(7)).await.unwrap();
    assert_eq!((first.position, first.repeated), (2, false));
    assert_eq!(first.events, [TankEvent::Filled { litres: 7, level: 7 }]);

    // Seven more would overflow: what is new is refused, what is repeated is answered.
    let new = store.run(&request("a", 1), Command::Fill(7)).await;
    assert!(matches!(new, Err(ExecuteError::Refused(Refusal::Overflow))), "{new:?}");
    for _ in 0..2 {
        let again = store.run(&fill, Command::Fill(7)).await.unwrap();
        assert_eq!((again.position, again.repeated), (2, true));
        assert_eq!((&again.events, &again.stream), (&first.events, &first.stream));
    }
    assert_eq!(store.head().await, 2);
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_where_it_would_be_taken_now() {
    let store = Store::new().await;
    let fill = request("a", 1);
    let exchange = request("a", 2);
    store.run(&fill, Command::Fill(7)).await.unwrap();
    let first = store.run(&exchange, Command::Exchange(4)).await.unwrap();
    let events = vec![TankEvent::Emptied {}, TankEvent::Filled { litres: 4, level: 4 }];
    assert_eq!((first.position, first.repeated, &first.events), (4, false, &events));
    store.run(&request("a", 3), Command::Fill(1)).await.unwrap();
    store.run(&request("a", 4), Command::Empty).await.unwrap();
    store.run(&request("a", 5), Command::Fill(2)).await.unwrap();

    // Decided now it would come to other events, at another place.
    let again = store.run(&exchange, Command::Exchange(4)).await.unwrap();
    assert_eq!((again.position, again.repeated, &again.events), (4, true, &events));
    let again = store.run(&fill, Command::Fill(7)).await.unwrap();
    assert_eq!((again.position, again.repeated), (2, true));
    assert_eq!(again.events, [TankEvent::Filled { litres: 7, level: 7 }]);
    assert_eq!(store.head().await, 7, "a retry records nothing");
}

#[tokio::test]
async fn a_retry_is_answered_with_the_stream_of_the_first_time() {
    let store = Store::new().await;
    // As where a service takes the next free code as the stream's key: a retry comes to another one.
    let first = request("code-1", 1);
    store.run(&first, Command::Fill(3)).await.unwrap();
    let later = Request { stream: request("code-2", 1).stream, ..first };
    let again = store.run(&later, Command::Fill(3)).await.unwrap();
    assert_eq!((again.stream.as_str(), again.position, again.repeated), ("delivery.case/code-1", 2, true));
    assert_eq!(store.head().await, 2);
}

#[tokio::test]
async fn an_id_with_other_content_is_refused() {
    let store = Store::new().await;
    let fill = request("a", 1);
    store.run(&fill, Command::Fill(7)).await.unwrap();
    let mut reused = fill.clone();
    reused.context.command_digest = [9; 32];
    // Whether the other content would be taken or refused.
    for command in [Command::Fill(1), Command::Fill(9), Command::Empty] {
        let answer = store.run(&reused, command).await;
        let is_reused = |e: &Error| matches!(e, ExecuteError::Append(AppendError::RequestIdReused { id }) if *id == fill.id);
        assert!(answer.as_ref().is_err_and(is_reused), "{answer:?}");
    }
    assert_eq!(store.head().await, 2);
}

#[tokio::test]
async fn a_refusal_records_nothing_and_leaves_its_id_free() {
    let store = Store::new().await;
    let empty = request("a", 1);
    for _ in 0..2 {
        let answer = store.run(&empty, Command::Empty).await;
        assert!(matches!(answer, Err(ExecuteError::Refused(Refusal::Empty))), "{answer:?}");
    }
    assert_eq!(store.head().await, 1);
    assert_eq!(store.log.find_append(empty.id).await.unwrap(), []);
    assert!(repeat::<TankEvent, Refusal>(&*store.log, &empty).await.unwrap().is_none());
    // Once the state allows it, the same request is good.
    store.run(&request("a", 2), Command::Fill(1)).await.unwrap();
    let taken = store.run(&empty, Command::Empty).await.unwrap();
    assert_eq!((taken.position, taken.repeated), (3, false));
    assert!(repeat::<TankEvent, Refusal>(&*store.log, &empty).await.unwrap().is_some_and(|o| o.repeated));
}

#[test]
fn the_digest_tells_commands_apart() {
    let caller = |id: &str| Caller { id: id.into(), role: Role::Agency, agency: Some("H57.18".into()) };
    let message = |id: &str| pb::Subject { role: "case".into(), id: id.into() };
    let digest = |who: &str, method: &str, what: &str| {
        context(&caller(who), "delivery", method, &message(what)).command_digest
    };
    let one = digest("a", "AcceptCase", "1");
    assert_eq!(digest("a", "AcceptCase", "1"), one, "the same command is the same");
    for other in [
        digest("b", "AcceptCase", "1"),
        digest("a", "DecideCase", "1"),
        digest("a", "AcceptCase", "2"),
        // Not even where the parts run together to the same bytes.
        digest("", "AcceptCasea", "1"),
    ] {
        assert_ne!(other, one);
    }
    let found = context(&caller("a"), "delivery", "AcceptCase", &message("1"));
    assert_eq!((found.actor.id.as_str(), found.actor.role.as_str()), ("a", "agency"));
    assert_eq!((found.actor.agency.as_deref(), found.service.as_str()), (Some("H57.18"), "delivery"));
}
