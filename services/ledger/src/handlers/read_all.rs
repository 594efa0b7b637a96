//! The whole log on one call, in large messages: the next is made while one is sent.

use std::sync::Arc;

use eventlog::{Direction, EventLog as _, FOLLOW_PAGE, Filter};
use futures::stream::{BoxStream, StreamExt as _};
use proto::{
    Failure,
    ledger::{self as pb, ErrorReason},
};
use serve::Shutdown;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::failed;
use crate::Gate;

/// A message is sent once it has so many bytes.
const MESSAGE_BYTES: usize = 512 * 1024;

type Out = Result<pb::ReadAllResponse, Status>;

/// The entries after a position through another, or through the head as it is now.
pub(super) fn messages(
    log: Arc<Gate>,
    request: pb::ReadAllRequest,
    shutdown: Shutdown,
) -> BoxStream<'static, Out> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let read = tokio::select! {
            read = read(&log, &request, &sender) => read,
            () = shutdown.wait() => {
                let text = "the ledger is shutting down: read on from the last position that came";
                Err(Failure::new(ErrorReason::LogUnavailable, text).into())
            }
        };
        if let Err(status) = read {
            // The reader may have gone.
            drop(sender.send(Err(status)).await);
        }
    });
    ReceiverStream::new(receiver).boxed()
}

async fn read(log: &Gate, request: &pb::ReadAllRequest, sender: &mpsc::Sender<Out>) -> Result<(), Status> {
    let head = log.head().await.map_err(failed)?.position;
    let last = if request.through_position == 0 { head } else { head.min(request.through_position) };
    let mut past = request.after_position;
    let mut message = Vec::new();
    let mut count = 0;
    while past < last {
        let page =
            log.read_all(past, Direction::Forwards, &Filter::default(), FOLLOW_PAGE).await.map_err(failed)?;
        for entry in page.entries.iter().take_while(|entry| entry.position <= last) {
            let length = u16::try_from(entry.bytes.len()).map_err(|_too_long| {
                let text = format!("the entry at position {} is longer than an entry can be", entry.position);
                Status::from(Failure::new(ErrorReason::LogDamaged, text))
            })?;
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(&entry.bytes);
            count += 1;
            if message.len() >= MESSAGE_BYTES || entry.position == last {
                let answer = pb::ReadAllResponse {
                    entries: std::mem::take(&mut message).into(),
                    first_position: entry.position + 1 - u64::from(count),
                    count: std::mem::take(&mut count),
                    head_position: head,
                };
                if sender.send(Ok(answer)).await.is_err() {
                    return Ok(());
                }
                message.reserve(MESSAGE_BYTES + 64 * 1024);
            }
        }
        past = page.through;
    }
    Ok(())
}
