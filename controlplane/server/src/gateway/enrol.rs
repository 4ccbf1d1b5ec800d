//! The enrolment ALPN: one request, one answer, and out.

use std::time::Duration;

use atalaya_protocol::{
    FrameLimits, Lane, Message,
    wire::{EnrollError, EnrollErrorCode},
};
use quinn::Connection;

use super::{
    framed::{FramedRecv, FramedSend, StreamError},
    listener::Shared,
};

/// From the handshake to the answer.
const TIME_LIMIT: Duration = Duration::from_secs(20);

pub(super) async fn serve(shared: &Shared, connection: Connection) {
    let address = connection.remote_address().ip().to_canonical();
    match tokio::time::timeout(TIME_LIMIT, answer_one(shared, &connection)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%address, %error, "enrolment broke off"),
        Err(_) => tracing::debug!(%address, "enrolment took too long"),
    }
    connection.close(0u32.into(), b"");
}

async fn answer_one(shared: &Shared, connection: &Connection) -> Result<(), StreamError> {
    let (send, recv) = connection.accept_bi().await.map_err(|error| StreamError::Read(error.into()))?;
    let mut recv = FramedRecv::new(recv, FrameLimits::for_enrolment());
    let mut send = FramedSend::new(Lane::Control, send);
    let message = recv.next().await?;
    let address = connection.remote_address().ip().to_canonical();
    let answer = match shared.enrol_limit.lock().ask(address, shared.now_ms()) {
        Err(retry_after_ms) => Err(EnrollError {
            code: EnrollErrorCode::RateLimited.into(),
            detail: "too many requests from this address: wait and say the same join string again".into(),
            retry_after_ms,
        }),
        Ok(()) => Ok(()),
    };
    let answer = match (answer, message) {
        (Err(error), _) => Err(error),
        (Ok(()), Message::EnrollRequest(request)) => shared.backend.enrolment.enroll(address, request).await,
        (Ok(()), Message::RenewRequest(request)) => shared.backend.enrolment.renew(address, request).await,
        (Ok(()), _) => Err(EnrollError {
            code: EnrollErrorCode::BadRequest.into(),
            detail: "only enrolment and renewal are spoken here".into(),
            retry_after_ms: 0,
        }),
    };
    match answer {
        Ok(issued) => send.send(&issued).await?,
        Err(error) => {
            tracing::info!(%address, code = ?error.code(), detail = error.detail, "enrolment refused");
            send.send(&error).await?;
        }
    }
    send.finish().await;
    Ok(())
}
