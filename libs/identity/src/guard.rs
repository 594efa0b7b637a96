//! The guard in front of every server: no RPC but health without a token, and none that the table denies.

use std::{
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use lru::LruCache;
use proto::{Failure, ledger::ErrorReason};
use tonic::Status;
use tower::{Layer, Service};

use crate::{Caller, TokenError, VerifyingKey, access};

/// Checked tokens kept, at most: checking a signature costs more than a call.
const CACHED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Puts a [`Guard`] in front of a server.
#[derive(Clone)]
pub struct GuardLayer {
    key: VerifyingKey,
    checked: Arc<Mutex<LruCache<String, (Caller, u64)>>>,
}

impl GuardLayer {
    /// A guard that checks tokens with a key.
    pub fn new(key: VerifyingKey) -> Self {
        Self { key, checked: Arc::new(Mutex::new(LruCache::new(CACHED))) }
    }

    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let cached = self.checked.lock().ok().and_then(|mut checked| checked.get(token).cloned());
        if let Some((caller, until)) = cached {
            return if now_seconds() < until { Ok(caller) } else { Err(TokenError::Expired) };
        }
        let (caller, until) = self.key.verify(token)?;
        if let Ok(mut checked) = self.checked.lock() {
            checked.put(token.to_owned(), (caller.clone(), until));
        }
        Ok(caller)
    }

    fn admit<B>(&self, request: &http::Request<B>) -> Result<Option<Caller>, Failure> {
        let path = request.uri().path();
        if path.starts_with("/grpc.health.v1.Health/") || is_metrics(request) {
            return Ok(None);
        }
        let header = request.headers().get(http::header::AUTHORIZATION).and_then(|h| h.to_str().ok());
        let token = header.and_then(|h| h.strip_prefix("Bearer ").or_else(|| h.strip_prefix("bearer ")));
        let Some(token) = token else {
            let advice = "send `authorization: Bearer TOKEN`; `liem token issue` makes one";
            return Err(Failure::new(
                ErrorReason::TokenMissing,
                format!("no token came with the call: {advice}"),
            ));
        };
        let caller = self.verify(token.trim()).map_err(|error| {
            let reason = match error {
                TokenError::Expired => ErrorReason::TokenExpired,
                TokenError::Invalid => ErrorReason::TokenInvalid,
            };
            Failure::new(reason, error.to_string())
        })?;
        let Some(roles) = access::roles(path) else {
            return Err(Failure::new(ErrorReason::RpcUnknown, "no such RPC: list them by reflection"));
        };
        if !roles.contains(&caller.role) {
            let allowed: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            let text = format!(
                "the role {} may not call this RPC; it is for: {}",
                caller.role.as_str(),
                allowed.join(", ")
            );
            return Err(Failure::new(ErrorReason::RoleNotAllowed, text));
        }
        Ok(Some(caller))
    }
}

/// Metrics hold no personal data and are read by a scraper that knows no token.
fn is_metrics<B>(request: &http::Request<B>) -> bool {
    request.method() == http::Method::GET && request.uri().path() == "/metrics"
}

#[expect(
    clippy::disallowed_methods,
    reason = "the end of a token is judged by the system's clock, as in the JWT library"
)]
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { layer: self.clone(), inner }
    }
}

/// A server behind the guard.
#[derive(Clone)]
pub struct Guard<S> {
    layer: GuardLayer,
    inner: S,
}

impl<S, B, R> Service<http::Request<B>> for Guard<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    R: Default + 'static,
{
    type Response = http::Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        match self.layer.admit(&request) {
            Ok(caller) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                Box::pin(self.inner.call(request))
            }
            Err(failure) => Box::pin(async move { Ok(Status::from(failure).into_http()) }),
        }
    }
}
