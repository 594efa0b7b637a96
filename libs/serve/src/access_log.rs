//! One log line and one metric per call: which RPC, how it ended, how long it took. Never what was in it.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tonic::{Code, Status};
use tower::{Layer, Service};

#[derive(Clone)]
pub(crate) struct AccessLogLayer;

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog { inner }
    }
}

#[derive(Clone)]
pub(crate) struct AccessLog<S> {
    inner: S,
}

impl<S, B, R> Service<http::Request<B>> for AccessLog<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let since = Instant::now();
        // Only paths of the access table become labels: a caller can't fill the metrics with made-up ones.
        let known = identity::access::TABLE.iter().find(|(path, _)| *path == request.uri().path());
        let path = known.map_or("other", |(path, _)| *path);
        let is_untraced = identity::access::UNTRACED.contains(&path);
        let answer = self.inner.call(request);
        if is_untraced {
            return Box::pin(answer);
        }
        Box::pin(async move {
            let answer = answer.await?;
            let code = Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code());
            let seconds = since.elapsed().as_secs_f64();
            let label = format!("{code:?}");
            metrics::histogram!("liem_rpc_seconds", "rpc" => path, "code" => label.clone()).record(seconds);
            tracing::debug!(rpc = path, code = label, seconds, "call");
            Ok(answer)
        })
    }
}
