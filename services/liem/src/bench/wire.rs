//! gRPC at the level of its frames. What measures shares the processor with what it measures: it shall take little of it.

use std::task::Poll;

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::{
    RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{HeaderValue, Request, header};
use prost::Message;
use tokio::{io::BufWriter, net::TcpStream};
use tonic::{Code, Status};

/// Bytes that may be on their way in one call, and in all of a connection.
const WINDOW_BYTES: u32 = 8 << 20;

/// Bytes that go out in one write.
const WRITE_BYTES: usize = 64 << 10;

/// One connection to a ledger. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    address: String,
    authorization: HeaderValue,
}

/// An RPC of a connection, to be called over and over.
#[derive(Clone)]
pub(super) struct Rpc {
    requests: SendRequest<Bytes>,
    head: Request<()>,
}

/// The messages of an answer.
pub(super) struct Answers {
    head: Option<ResponseFuture>,
    body: Option<RecvStream>,
    buffer: BytesMut,
}

impl Connection {
    pub(super) async fn open(address: &str, token: &str) -> anyhow::Result<Self> {
        let address = address.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&address).await;
        let stream = stream.with_context(|| format!("no ledger answers at {address}"))?;
        stream.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
        let (requests, connection) = builder.handshake(BufWriter::with_capacity(WRITE_BYTES, stream)).await?;
        // It ends with the last who can call; what broke it is told to each call. Each time it goes to the end of
        // the line first, so that the calls that all others make meanwhile go out in one write.
        let mut connection = Box::pin(connection);
        let mut is_turn = true;
        tokio::spawn(std::future::poll_fn(move |context| {
            is_turn = !is_turn;
            if is_turn {
                return connection.as_mut().poll(context);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        Ok(Self { requests, address, authorization: format!("Bearer {}", token.trim()).parse()? })
    }

    pub(super) fn rpc(&self, name: &str) -> anyhow::Result<Rpc> {
        let head = Request::post(format!("http://{}/liem.ledger.v1.LedgerService/{name}", self.address))
            .header(header::TE, "trailers")
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::AUTHORIZATION, &self.authorization)
            .body(())?;
        Ok(Rpc { requests: self.requests.clone(), head })
    }

    /// One call with one answer.
    pub(super) async fn ask<A: Message + Default>(
        &self,
        name: &str,
        question: &impl Message,
    ) -> anyhow::Result<A> {
        Ok(A::decode(self.rpc(name)?.unary(framed(question)).await?)?)
    }
}

impl Rpc {
    /// Begins a call.
    pub(super) async fn call(&mut self) -> Result<(SendStream<Bytes>, Answers), Status> {
        std::future::poll_fn(|context| self.requests.poll_ready(context)).await.map_err(broken)?;
        let (response, sender) = self.requests.send_request(self.head.clone(), false).map_err(broken)?;
        Ok((sender, Answers { head: Some(response), body: None, buffer: BytesMut::new() }))
    }

    /// A call with one message in a frame of its own, and that of the answer.
    pub(super) async fn unary(&mut self, frame: Bytes) -> Result<Bytes, Status> {
        let (mut sender, mut answers) = self.call().await?;
        sender.send_data(frame, true).map_err(broken)?;
        let answer = answers.next().await?.ok_or_else(|| Status::internal("no answer came"))?;
        match answers.next().await? {
            None => Ok(answer),
            Some(_) => Err(Status::internal("more than one answer came")),
        }
    }
}

impl Answers {
    /// The next message; none when the call has ended well. Nothing is lost where this is given up half-way.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.arrived() {
                return Ok(Some(message));
            }
            if let Some(head) = &mut self.head {
                let (head, body) = head.await.map_err(broken)?.into_parts();
                self.head = None;
                // An answer that is nothing but a failure has it in its head.
                ended(Status::from_header_map(&head.headers))?;
                self.body = Some(body);
            }
            let Some(body) = &mut self.body else { return Ok(None) };
            if let Some(chunk) = body.data().await.transpose().map_err(broken)? {
                body.flow_control().release_capacity(chunk.len()).map_err(broken)?;
                self.buffer.extend_from_slice(&chunk);
                continue;
            }
            let trailers = body.trailers().await.map_err(broken)?;
            self.body = None;
            let status = trailers.and_then(|trailers| Status::from_header_map(&trailers));
            ended(Some(status.unwrap_or_else(|| Status::unknown("the call broke off"))))?;
        }
    }

    /// A message that has come already.
    pub(super) fn arrived(&mut self) -> Option<Bytes> {
        let length = self.buffer.get(1..5)?.get_u32() as usize;
        if self.buffer.len() < 5 + length {
            return None;
        }
        self.buffer.advance(5);
        Some(self.buffer.split_to(length).freeze())
    }
}

/// A message in its frame.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    frame.put(message.encode_to_vec().as_slice());
    frame.freeze()
}

#[expect(clippy::needless_pass_by_value, reason = "what maps an error takes it")]
pub(super) fn broken(error: h2::Error) -> Status {
    Status::unavailable(error.to_string())
}

fn ended(status: Option<Status>) -> Result<(), Status> {
    match status {
        Some(status) if status.code() != Code::Ok => Err(status),
        _ => Ok(()),
    }
}
