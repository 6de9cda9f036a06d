//! What goes wrong, and what the client is told.

use audit_seaorm::RestoreError;
use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sea_orm::{DbErr, SqlErr};
use serde_json::json;

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be read, or says what makes no sense.
    #[error("{1}")]
    Rejected(StatusCode, String),
    #[error("log in first")]
    LoginRequired,
    #[error("wrong name or password")]
    WrongPassword,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(String),
    /// Nothing that the client could do better. It is in the log.
    #[error("something went wrong; the request id finds it in the log")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Rejected(StatusCode::BAD_REQUEST, why.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Rejected(status, _) => *status,
            Self::LoginRequired | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Internal(source) = &self {
            let context = audit_seaorm::AuditContext::current().unwrap_or_default();
            let request = context.get_request_id();
            tracing::error!(request, error = %source, "a request failed");
        }
        (self.status(), Json(json!({"error": self.to_string()}))).into_response()
    }
}

/// What the constraints of the database refuse is the client's to know.
impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Self::Conflict("there is one of that name already".to_owned())
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::Conflict("something that belongs to it is gone, or still there".to_owned())
            }
            _ if matches!(error, DbErr::RecordNotUpdated) => Self::NotFound("record any more"),
            _ => Self::internal(error),
        }
    }
}

impl From<RestoreError> for Error {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Db(error) => error.into(),
            RestoreError::NoEntry(_) => Self::NotFound("entry of the trail"),
            refused => Self::Conflict(refused.to_string()),
        }
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Rejected(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::Rejected(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Rejected(rejection.status(), rejection.body_text())
    }
}
