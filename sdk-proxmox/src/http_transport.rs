//! The transport over HTTPS: login, fail-over and retries around single exchanges.

use http::HeaderMap;
use proxbox_runtime::Request;

use crate::login::Login;
use crate::retry::Retry;
use crate::wire::{self, Wire};
use crate::{
    BoxFuture, ByteStream, Download, Error, Forwarded, Passed, Reply, Transport, Upload, websocket,
};

pub(crate) struct HttpTransport {
    pub(crate) wire: Wire,
    pub(crate) login: Login,
    pub(crate) retry: Retry,
}

impl Transport for HttpTransport {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            let mut attempt = 0;
            loop {
                let outcome = self.authenticated(&request).await;
                let Some(pause) = self.retry.after(attempt, request.op.method, &outcome) else {
                    return outcome;
                };
                tracing::debug!(?request, attempt, ?pause, "call is made again");
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        })
    }

    fn upload(&self, request: Request, file: Upload) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move { self.send_file(&request, file).await })
    }

    fn download(&self, request: Request) -> BoxFuture<'_, Result<Download, Error>> {
        Box::pin(async move {
            let response = self.accepted(&request, None, &HeaderMap::new()).await?;
            Ok(wire::body_of(response))
        })
    }

    fn forward(
        &self,
        request: Request,
        mut body: Option<Passed>,
    ) -> BoxFuture<'_, Result<Forwarded, Error>> {
        Box::pin(async move {
            let once = body.is_some();
            let mut attempt = 0;
            loop {
                let told = self.passed_on(&request, body.take()).await;
                let Err(error) = &told else { return told };
                let pause = self.retry.after_error(attempt, request.op.method, error);
                let Some(pause) = pause.filter(|_| !once) else { return told };
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        })
    }

    fn upgrade<'a>(
        &'a self,
        request: Request,
        host: Option<&'a str>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        Box::pin(async move {
            let key = websocket::new_key();
            let response = self.accepted(&request, host, &websocket::headers(&key)?).await?;
            websocket::connection(&request, &key, response).await
        })
    }
}

impl HttpTransport {
    async fn send_file(&self, request: &Request, file: Upload) -> Result<Reply, Error> {
        let pass = self.login.pass(&self.wire, request.op.method).await?;
        let reply = self.wire.send_file(request, &pass.headers, file).await?;
        if reply.status == 401 {
            // The file is read; the next call logs in anew.
            self.login.refused(&pass).await;
        }
        Ok(reply)
    }

    /// The answer with its body not yet read; with a new ticket once more where the old one was
    /// refused.
    async fn passed_on(&self, request: &Request, body: Option<Passed>) -> Result<Forwarded, Error> {
        if let Some(body) = body {
            return Box::pin(self.passed_on_once(request, body)).await;
        }
        let pass = self.login.pass(&self.wire, request.op.method).await?;
        let answer = self.wire.forward(request, &pass.headers).await?;
        if answer.status() == http::StatusCode::UNAUTHORIZED && self.login.refused(&pass).await {
            let pass = self.login.pass(&self.wire, request.op.method).await?;
            return self.wire.forward(request, &pass.headers).await;
        }
        Ok(answer)
    }

    async fn passed_on_once(&self, request: &Request, body: Passed) -> Result<Forwarded, Error> {
        let pass = self.login.pass(&self.wire, request.op.method).await?;
        let answer = self.wire.forward_body(request, &pass.headers, body).await?;
        if answer.status() == http::StatusCode::UNAUTHORIZED {
            // The body is read; the next call logs in anew.
            self.login.refused(&pass).await;
        }
        Ok(answer)
    }

    /// An answer that is no error, not yet read; with a new ticket once more where the old one was
    /// refused.
    async fn accepted(
        &self,
        request: &Request,
        host: Option<&str>,
        more: &HeaderMap,
    ) -> Result<reqwest::Response, Error> {
        let pass = self.login.pass(&self.wire, request.op.method).await?;
        let answer = self.wire.open(request, host, &pass.headers, more).await;
        match &answer {
            Err(error) if error.status() == Some(401) && self.login.refused(&pass).await => {
                let pass = self.login.pass(&self.wire, request.op.method).await?;
                self.wire.open(request, host, &pass.headers, more).await
            }
            _ => answer,
        }
    }

    /// One exchange; with a new ticket once more where the old one was refused.
    async fn authenticated(&self, request: &Request) -> Result<Reply, Error> {
        let method = request.op.method;
        let pass = self.login.pass(&self.wire, method).await?;
        let reply = self.wire.exchange(request, &pass.headers).await?;
        if reply.status == 401 && self.login.refused(&pass).await {
            let pass = self.login.pass(&self.wire, method).await?;
            return self.wire.exchange(request, &pass.headers).await;
        }
        Ok(reply)
    }
}
