//! Access tokens: EdDSA, 15 minutes, every claim demanded, the algorithm fixed, expiry by our clock.

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::evidence::Method;
use crate::platform::app::App;
use crate::platform::problem::Problem;

/// Life of an access token.
pub const ACCESS_LIFE: Duration = Duration::minutes(15);
/// Life of a refresh token, and so of a session without use.
pub const REFRESH_LIFE: Duration = Duration::days(30);
const ISSUER: &str = "liandan";
const AUDIENCE: &str = "liandan-api";
/// RFC 9068: tells an access token from any other signed thing.
const TYP: &str = "at+jwt";

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// `liandan`.
    pub iss: String,
    /// `liandan-api`.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// Unit: seconds since the epoch.
    pub exp: i64,
    /// Unit: seconds since the epoch.
    pub nbf: i64,
    /// Unit: seconds since the epoch.
    pub iat: i64,
    /// The session.
    pub sid: Uuid,
    /// The membership; none for a driver's own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<Uuid>,
    /// How the person logged in.
    pub method: Method,
}

/// The header as we write it and nothing more: jku, jwk, x5u or a crit that we would have to obey make it another's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl OwnHeader {
    fn read(token: &str) -> Option<Self> {
        use base64::Engine;
        let (header, _) = token.split_once('.')?;
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).ok()?).ok()
    }
}

/// Signs a token.
///
/// # Errors
/// 500.
pub fn issue(app: &App, user: Uuid, session: Uuid, membership: Option<Uuid>, method: Method, now: DateTime<Utc>) -> Result<String, Problem> {
    let claims = Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: user,
        exp: (now + ACCESS_LIFE).timestamp(),
        nbf: now.timestamp(),
        iat: now.timestamp(),
        sid: session,
        mid: membership,
        method,
    };
    let header = Header { alg: Algorithm::EdDSA, typ: Some(TYP.into()), kid: Some(app.keys.token.kid.clone()), ..Header::default() };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&app.keys.token.pkcs8())).map_err(|error| Problem::internal(&error))
}

/// Verifies a token completely; None for anything that is not exactly ours and in force now.
#[must_use]
pub fn verify(app: &App, token: &str, now: DateTime<Utc>) -> Option<Claims> {
    let header = OwnHeader::read(token)?;
    if header.alg != "EdDSA" || header.typ != TYP || header.kid != app.keys.token.kid {
        return None;
    }
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    // The library would ask the machine's clock; ours is injected and compared below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.leeway = 0;
    let public = app.keys.token.public();
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_ed_der(public.as_bytes()), &validation).ok()?.claims;
    (claims.nbf <= now.timestamp() && now.timestamp() < claims.exp).then_some(claims)
}
