//! Loading a stream, and what of a command goes into its entries.

use aggregate::{ExecuteError, load};
use eventlog::{Append, EventLog as _, Expected, NewEvent};
use events::{Encoded, Event as _, Occurred, Role, Subject};
use proto::{Failure, Reason, ledger::ErrorReason};
use uuid::Uuid;

use crate::tank::{Command, Level, Store, Tank, TankEvent, day, request};

fn filled(litres: u32) -> NewEvent {
    let event = TankEvent::Filled { litres, level: 0 };
    NewEvent {
        encoded: events::encode(&event).unwrap(),
        subjects: event.subjects("long"),
        occurred: Occurred::On(day()),
    }
}

async fn record(store: &Store, key: &str, events: Vec<NewEvent>) {
    let request = request(key, 1);
    let (stream, expected) = (request.stream, Expected::Any);
    let append = Append { id: Uuid::now_v7(), stream, expected, events, context: request.context };
    store.log.append(append).await.unwrap();
}

#[tokio::test]
async fn a_stream_of_any_length_is_loaded_whole() {
    let store = Store::new().await;
    let stream = request("long", 1).stream;
    assert_eq!(load::<Tank, TankEvent>(&*store.log, &stream).await.unwrap(), (Level(0), 0), "none yet");
    // The pages are of 1,000: to their edge, just past it, and far past it.
    let mut length = 0;
    for more in [999_usize, 1, 1, 1_000] {
        record(&store, "long", (0..more).map(|_| filled(3)).collect()).await;
        record(&store, "other", vec![filled(1)]).await;
        length += u32::try_from(more).unwrap();
        let loaded = load::<Tank, TankEvent>(&*store.log, &stream).await.unwrap();
        assert_eq!(loaded, (Level(3 * length), u64::from(length)));
    }
}

#[tokio::test]
async fn the_entries_say_who_and_about_what() {
    let store = Store::new().await;
    let exchange = request("a", 7);
    store.run(&request("a", 1), Command::Fill(1)).await.unwrap();
    let outcome = store.run(&exchange, Command::Exchange(2)).await.unwrap();
    let entries = store.log.find_append(exchange.id).await.unwrap();
    assert_eq!(entries.len(), 2);
    for (entry, k) in entries.iter().zip(0_u32..) {
        let header = entry.header().unwrap();
        assert_eq!((header.k, header.revision), (k, 2 + u64::from(k)));
        assert_eq!(header.actor, exchange.context.actor);
        assert_eq!(header.on_behalf_of, exchange.context.on_behalf_of);
        assert_eq!(header.rules, exchange.context.rules);
        assert_eq!(header.command_digest, "07".repeat(32));
        assert_eq!(header.subjects, [Subject::new(Role::Case, "a")]);
        assert_eq!(header.occurred, Occurred::On(day()));
        assert_eq!(entry.event::<TankEvent>().unwrap(), outcome.events[usize::try_from(k).unwrap()]);
    }
}

#[tokio::test]
async fn an_event_that_can_not_be_read_stops_the_command() {
    let store = Store::new().await;
    let data = serde_json::value::RawValue::from_string("{}".into()).unwrap();
    let unknown = Encoded { event_type: "delivery.TankStolen.v1".into(), data };
    record(&store, "a", vec![NewEvent { encoded: unknown, ..filled(1) }]).await;
    let answer = store.run(&request("a", 1), Command::Fill(1)).await;
    let Err(ExecuteError::Stored { stream, source }) = answer else { panic!("{answer:?}") };
    assert_eq!((stream.as_str(), source.category), ("delivery.case/a", "delivery.case"));
    assert_eq!(store.head().await, 2, "what can't be read is not decided on");

    let failure = Failure::from(ExecuteError::<Failure>::Stored { stream, source });
    assert_eq!(failure.reason, Reason::Ledger(ErrorReason::LogDamaged));
}
