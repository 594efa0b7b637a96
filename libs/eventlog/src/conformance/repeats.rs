//! Idempotence: an append id is recorded once, for ever.

use futures::future::join_all;

use super::{
    Rig,
    sample::{append, case, steps},
};
use crate::{AppendError, Appended, Expected};

pub(super) async fn a_repeat_gets_the_first_answer(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("repeated");
    let first = append(&stream, Expected::NoStream, steps(3));
    let answer = log.append(first.clone()).await.expect("a new stream");
    assert!(!answer.repeated);
    log.append(append(&stream, Expected::Exact(3), steps(2))).await.expect("the stream moves on");
    let head = log.head().await.expect("the head");

    let again = Appended { repeated: true, ..answer };
    // Its expected revision is wrong by now, as it stood then and however else it's asked.
    for expected in [first.expected, Expected::Exact(99), Expected::Any] {
        let repeat = crate::Append { expected, ..first.clone() };
        assert_eq!(log.append(repeat).await.expect("recognised"), again);
    }
    assert_eq!(log.head().await.expect("the head"), head, "a repeat records nothing");

    rig.reopen().await;
    let log = rig.log("delivery");
    assert_eq!(log.append(first).await.expect("recognised for ever"), again);
    assert_eq!(log.head().await.expect("the head"), head);
}

pub(super) async fn one_id_32_times_at_once_is_recorded_once(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    for round in 0..5 {
        let one = append(&case(&format!("round-{round}")), Expected::NoStream, steps(2));
        let answers = join_all((0..32).map(|_| {
            let (log, one) = (log.clone(), one.clone());
            tokio::spawn(async move { log.append(one).await.expect("each gets the answer") })
        }))
        .await;
        let answers: Vec<Appended> = answers.into_iter().map(|a| a.expect("none panics")).collect();
        assert_eq!(answers.iter().filter(|a| !a.repeated).count(), 1, "one was the first");
        let places = |a: &Appended| (a.first_position, a.last_position, a.last_revision);
        assert!(answers.iter().all(|a| places(a) == places(&answers[0])), "all get the same answer");
        assert_eq!(log.find_append(one.id).await.expect("readable").len(), 2);
    }
    assert_eq!(log.head().await.expect("the head").position, 1 + 5 * 2);
}

pub(super) async fn an_id_with_other_content_is_refused(rig: &mut dyn Rig) {
    let log = rig.log("delivery");
    let stream = case("reused");
    let first = append(&stream, Expected::NoStream, steps(1));
    let mut other = first.clone();
    other.context.command_digest = [8; 32];
    other.stream = case("elsewhere");

    // At once, so that both can be in one commit: one is recorded, the other is told.
    let (a, b) = tokio::join!(log.append(first.clone()), log.append(other.clone()));
    let (recorded, refused, answer) = match (a, b) {
        (Ok(answer), Err(AppendError::RequestIdReused { id })) if id == first.id => (first, other, answer),
        (Err(AppendError::RequestIdReused { id }), Ok(answer)) if id == first.id => (other, first, answer),
        both => panic!("one is recorded and one refused: {both:?}"),
    };
    for _ in 0..2 {
        let head = log_head(rig).await;
        let log = rig.log("delivery");
        let reused = log.append(refused.clone()).await;
        assert!(matches!(reused, Err(AppendError::RequestIdReused { id }) if id == refused.id), "{reused:?}");
        let repeat = log.append(recorded.clone()).await.expect("the first content is a repeat");
        assert_eq!(repeat, Appended { repeated: true, ..answer });
        assert_eq!(log.read_stream(&refused.stream, 0, 10).await.expect("readable"), []);
        assert_eq!(log_head(rig).await, head, "neither recorded anything");
        // Once more after a restart.
        rig.reopen().await;
    }
}

async fn log_head(rig: &dyn Rig) -> u64 {
    rig.log("delivery").head().await.expect("the head").position
}
