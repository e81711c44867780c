//! Wire types and routes of identity. No rule lives here.

pub mod delegations;
pub mod deputies;
pub mod external;
pub mod invitations;
pub mod sessions;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer, created};
use crate::identity::acts::{self, PersonFacts, UnitFacts};
use crate::identity::domain::{Actor, Role, SignedAct};
use crate::identity::store::{self, ApiKeyRow};
use crate::identity::token::ACCESS_LIFE;
use crate::identity::uscc::Uscc;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Nothing};
use crate::platform::problem::{Problem, ProblemBody, kinds};
use crate::platform::query::{NoQuery, Query};

/// A unit as registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitBody {
    /// 统一社会信用代码, 18 characters with a right check digit.
    uscc: Uscc,
    /// 单位名称.
    #[schema(min_length = 2, max_length = 120)]
    name: String,
    /// Division of the seat: GB/T 2260 code or a local node.
    #[schema(min_length = 2, max_length = 12, example = "210213")]
    division: String,
    /// 地址.
    #[schema(min_length = 2, max_length = 200)]
    address: String,
    /// 应急联系电话.
    #[schema(min_length = 3, max_length = 30)]
    contact_phone: String,
}

impl From<UnitBody> for UnitFacts {
    fn from(body: UnitBody) -> Self {
        Self { uscc: body.uscc, name: body.name, division: body.division, address: body.address, contact_phone: body.contact_phone }
    }
}

/// A person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    /// Log-in name.
    #[schema(min_length = 3, max_length = 60, pattern = "^[A-Za-z0-9_.@-]{3,60}$")]
    login: String,
    /// 姓名.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// 手机号; not unique.
    #[schema(min_length = 5, max_length = 30)]
    #[serde(default)]
    phone: Option<String>,
}

impl From<PersonBody> for PersonFacts {
    fn from(body: PersonBody) -> Self {
        Self { login: body.login, name: body.name, phone: body.phone }
    }
}

/// Registration of an enterprise with its first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    unit: UnitBody,
    person: PersonBody,
    /// At least 10 characters, and none that anybody would try first.
    #[schema(min_length = 1, max_length = 200)]
    password: String,
}

/// Log-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// Login or phone.
    #[schema(min_length = 1, max_length = 60)]
    login: String,
    /// Password.
    #[schema(min_length = 1, max_length = 200)]
    password: String,
    /// Which membership the token names; the oldest without it.
    #[serde(default)]
    membership_id: Option<Uuid>,
    /// Name of the device, for the list of sessions.
    #[schema(max_length = 60)]
    #[serde(default)]
    device: Option<String>,
}

/// Quick switch on a shared device (快速切换): PIN in place of the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Login or phone.
    #[schema(min_length = 1, max_length = 60)]
    login: String,
    /// The PIN.
    #[schema(min_length = 1, max_length = 40)]
    pin: String,
    /// Which membership the token names.
    #[serde(default)]
    membership_id: Option<Uuid>,
    /// A live refresh token of the device: a PIN alone opens nothing.
    #[schema(min_length = 1, max_length = 100)]
    device_token: String,
}

/// Rotation of a refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token.
    #[schema(min_length = 1, max_length = 100)]
    refresh_token: String,
}

/// A membership.
#[derive(Serialize, ToSchema)]
pub struct Membership {
    id: Uuid,
    unit_id: Uuid,
    unit_name: String,
    unit_kind: String,
    user_id: Uuid,
    user_name: String,
    login: String,
    roles: Vec<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    ended_at: Option<DateTime<Utc>>,
}

impl From<store::MembershipRow> for Membership {
    fn from(row: store::MembershipRow) -> Self {
        Self {
            id: row.id,
            unit_id: row.unit_id,
            unit_name: row.unit_name,
            unit_kind: row.unit_kind,
            user_id: row.user_id,
            user_name: row.user_name,
            login: row.login,
            roles: row.roles,
            ended_at: row.ended_at,
        }
    }
}

/// A session.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// Send as `Authorization: Bearer …`.
    access_token: String,
    /// Unit: seconds.
    expires_in: i64,
    /// Exchange it once for the next pair.
    refresh_token: String,
    user_id: Uuid,
    /// The membership of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    membership_id: Option<Uuid>,
    /// All memberships of the person.
    memberships: Vec<Membership>,
}

async fn session(app: &App, logged_in: acts::LoggedIn) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let memberships = store::memberships_of_user(&mut conn, logged_in.user).await?.into_iter().map(Membership::from).collect();
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(Session {
        access_token: logged_in.access_token,
        expires_in: ACCESS_LIFE.num_seconds(),
        refresh_token: logged_in.refresh_token,
        user_id: logged_in.user,
        membership_id: logged_in.membership,
        memberships,
    }))
}

/// Where a log-in comes from: the peer, never a header that anybody can write.
fn source_of(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(|| "unknown".into(), |peer| peer.ip().to_string())
}

/// Log in by login or phone and password.
#[utoipa::path(
    tag = "identity", operation_id = "create_session", request_body = LogIn,
    responses((status = 200, description = "A session", body = Session),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sessions")]
pub async fn create_session(request: HttpRequest, app: web::Data<App>, Body(body): Body<LogIn>) -> Result<HttpResponse, Problem> {
    acts::bound_source(&app, &source_of(&request))?;
    let logged_in =
        acts::log_in(&app, &body.login, &body.password, acts::How::Password, body.membership_id, body.device.as_deref(), &source_of(&request))
            .await?;
    session(&app, logged_in).await
}

/// Switch to another person on a shared device by PIN.
#[utoipa::path(
    tag = "identity", operation_id = "switch_session", request_body = Switch,
    responses((status = 200, description = "A session", body = Session),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sessions:switch")]
pub async fn switch_session(request: HttpRequest, app: web::Data<App>, Body(body): Body<Switch>) -> Result<HttpResponse, Problem> {
    acts::bound_source(&app, &source_of(&request))?;
    let unit = acts::unit_of_device(&app, &body.device_token).await?;
    let logged_in =
        acts::log_in(&app, &body.login, &body.pin, acts::How::PinOnDeviceOf(unit), body.membership_id, None, &source_of(&request)).await?;
    session(&app, logged_in).await
}

/// Exchange a refresh token for the next pair; a token used twice ends the session.
#[utoipa::path(
    tag = "identity", operation_id = "refresh_session", request_body = Refresh,
    responses((status = 200, description = "A session", body = Session),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sessions:refresh")]
pub async fn refresh_session(app: web::Data<App>, Body(body): Body<Refresh>) -> Result<HttpResponse, Problem> {
    let logged_in = acts::refresh(&app, &body.refresh_token).await?;
    session(&app, logged_in).await
}

/// Log out: the session ends at once.
#[utoipa::path(
    tag = "identity", operation_id = "delete_session", security(("bearer" = [])),
    responses((status = 204, description = "Ended"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[delete("/sessions/current")]
pub async fn delete_session(app: web::Data<App>, actor: Actor, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    acts::log_out(&app, &actor).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
pub struct Me {
    user_id: Uuid,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    membership_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    unit_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    unit_name: Option<String>,
    is_verified: bool,
    roles: Vec<Role>,
    memberships: Vec<Membership>,
    /// Units that invite the caller.
    invitations: Vec<store::Invitation>,
    /// The password was made by another: until it is changed, nothing else can be done.
    must_change_password: bool,
}

/// The caller, with roles and memberships.
#[utoipa::path(
    tag = "identity", operation_id = "get_me", security(("bearer" = [])),
    responses((status = 200, description = "The caller", body = Me),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/me")]
pub async fn get_me(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let memberships = store::memberships_of_user(&mut conn, actor.user).await?.into_iter().map(Membership::from).collect();
    let invitations = store::invitations_of_user(&mut conn, actor.user, app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Me {
        user_id: actor.user,
        is_verified: actor.is_verified(),
        unit_id: actor.unit_id(),
        roles: actor.roles.iter().collect(),
        memberships,
        invitations,
        must_change_password: actor.by_first_password,
        name: actor.name,
        membership_id: actor.membership,
        unit_name: actor.unit.map(|unit| unit.name),
    }))
}

/// New secrets of the caller.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSecret {
    /// The present password.
    #[schema(min_length = 1, max_length = 200)]
    current_password: String,
    /// The new password, at least 10 characters, and none that anybody would try first.
    #[schema(min_length = 1, max_length = 200)]
    #[serde(default)]
    password: Option<String>,
    /// The new PIN, at least 6 characters, and none that anybody would try first.
    #[schema(min_length = 1, max_length = 40)]
    #[serde(default)]
    pin: Option<String>,
}

/// Change the caller's password or PIN; the person's other sessions end.
#[utoipa::path(
    tag = "identity", operation_id = "change_secret", security(("bearer" = [])), request_body = ChangeSecret, params(ActHeaders, ActMode),
    responses((status = 200, description = "Done", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/me/change_secret")]
pub async fn change_secret(request: HttpRequest, actor: Actor, act: Act<ChangeSecret>) -> Result<HttpResponse, Problem> {
    acts::bound_source(&act.call.app, &source_of(&request))?;
    let body = act.body;
    Ok(answer(&acts::change_secret(&act.call, &actor, &body.current_password, body.password.as_deref(), body.pin.as_deref()).await?))
}

/// Register an enterprise with its first administrator, without a credential.
#[utoipa::path(
    tag = "identity", operation_id = "register_unit", request_body = Register, params(ActHeaders, ActMode),
    responses((status = 201, description = "Registered; an officer of the division verifies it", body = ActAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/registrations")]
pub async fn register_unit(request: HttpRequest, act: Act<Register>) -> Result<HttpResponse, Problem> {
    acts::bound_source(&act.call.app, &source_of(&request))?;
    let body = act.body;
    let outcome = acts::register(&act.call, body.unit.into(), body.person.into(), &body.password).await?;
    Ok(created(&outcome, None))
}

/// A unit as anybody in the system may see it: what stands on its business licence.
#[derive(Serialize, ToSchema)]
pub struct Unit {
    id: Uuid,
    uscc: String,
    name: String,
    kind: String,
    is_external: bool,
    /// ISO 3166.
    country: String,
    is_verified: bool,
    division: String,
    address: String,
    contact_phone: String,
    /// For `If-Match`.
    version: i64,
}

/// Find a unit by its USCC or by words of its name.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindUnits {
    /// USCC, or at least two characters of the name.
    #[param(min_length = 2, max_length = 60)]
    q: String,
}

/// Units.
#[derive(Serialize, ToSchema)]
pub struct Units {
    units: Vec<Unit>,
}

impl From<store::FoundUnit> for Unit {
    fn from(row: store::FoundUnit) -> Self {
        Self {
            id: row.id,
            uscc: row.uscc,
            name: row.name,
            kind: row.kind,
            is_external: row.is_external,
            country: row.country,
            is_verified: row.is_verified,
            division: row.division,
            address: row.address,
            contact_phone: row.contact_phone,
            version: row.version,
        }
    }
}

/// Units by USCC or name.
#[utoipa::path(
    tag = "identity", operation_id = "find_units", security(("bearer" = [])), params(FindUnits),
    responses((status = 200, description = "At most 50", body = Units),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units")]
pub async fn find_units(app: web::Data<App>, _actor: Actor, Query(query): Query<FindUnits>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let units = store::find_units(&mut conn, &query.q).await?.into_iter().map(Unit::from).collect();
    Ok(HttpResponse::Ok().json(Units { units }))
}

/// One unit.
#[utoipa::path(
    tag = "identity", operation_id = "get_unit", security(("bearer" = [])), params(("unit_id" = Uuid, Path)),
    responses((status = 200, description = "The unit", body = Unit),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units/{unit_id}")]
pub async fn get_unit(app: web::Data<App>, _actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let unit = store::found_unit(&mut conn, *id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", unit.version))).json(Unit::from(unit)))
}

/// Verify a unit of the officer's division.
#[utoipa::path(
    tag = "identity", operation_id = "verify_unit", security(("bearer" = [])), request_body = Nothing,
    params(("unit_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Verified", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/units/{unit_id}/verify")]
pub async fn verify_unit(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::verify_unit(&act.call, &actor, *id).await?))
}

/// A new authority.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAuthority {
    unit: UnitBody,
    /// Divisions that it answers for.
    #[schema(min_items = 1, max_items = 50)]
    divisions: Vec<String>,
    /// Its first manager.
    person: PersonBody,
}

/// An answer that holds a secret, told once and never stored.
#[derive(Serialize, ToSchema)]
pub struct SecretAnswer {
    /// The acts.
    done: Vec<crate::evidence::Done>,
    /// Soft faults.
    warnings: Vec<serde_json::Value>,
    /// The secret.
    secret: Secret,
}
/// The secret.
#[derive(Serialize, ToSchema)]
pub struct Secret {
    /// A first password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    password: Option<String>,
    /// An API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    api_key: Option<String>,
}

/// Make an authority with its jurisdiction and first manager.
#[utoipa::path(
    tag = "identity", operation_id = "add_authority", security(("bearer" = [])), request_body = AddAuthority, params(ActHeaders, ActMode),
    responses((status = 201, description = "Made; the password is told once", body = SecretAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/authorities")]
pub async fn add_authority(actor: Actor, act: Act<AddAuthority>) -> Result<HttpResponse, Problem> {
    let body = act.body;
    let (outcome, password) = acts::add_authority(&act.call, &actor, body.unit.into(), body.divisions, body.person.into()).await?;
    Ok(created(&outcome, (!act.call.check).then(|| json!({ "password": password }))))
}

/// A new person of the caller's unit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddUser {
    person: PersonBody,
    /// Roles in the unit.
    #[schema(max_items = 10)]
    roles: Vec<Role>,
}

/// Add a person to the caller's unit; the first password is told once.
#[utoipa::path(
    tag = "identity", operation_id = "add_user", security(("bearer" = [])), request_body = AddUser, params(ActHeaders, ActMode),
    responses((status = 201, description = "Added; the password is told once", body = SecretAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/users")]
pub async fn add_user(actor: Actor, act: Act<AddUser>) -> Result<HttpResponse, Problem> {
    let (outcome, password) = acts::add_user(&act.call, &actor, act.body.person.into(), act.body.roles.into_iter().collect()).await?;
    Ok(created(&outcome, (!act.call.check).then(|| json!({ "password": password }))))
}

/// Memberships.
#[derive(Serialize, ToSchema)]
pub struct Memberships {
    memberships: Vec<Membership>,
}

/// The people of the caller's unit.
#[utoipa::path(
    tag = "identity", operation_id = "list_memberships", security(("bearer" = [])),
    responses((status = 200, description = "Memberships, ended ones included", body = Memberships),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/memberships")]
pub async fn list_memberships(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let unit = actor.unit_id().ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let mut conn = app.db.get().await?;
    let memberships = store::memberships_of_unit(&mut conn, unit).await?.into_iter().map(Membership::from).collect();
    Ok(HttpResponse::Ok().json(Memberships { memberships }))
}

/// End a membership today.
#[utoipa::path(
    tag = "identity", operation_id = "end_membership", security(("bearer" = [])), request_body = Nothing,
    params(("membership_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/memberships/{membership_id}/end")]
pub async fn end_membership(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_membership(&act.call, &actor, *id).await?))
}

/// Give a member a new first password, told once; all his sessions end. A unit's administrator does it for members of his
/// unit alone, the platform's for administrators of units and for members of several.
#[utoipa::path(
    tag = "identity", operation_id = "reset_password", security(("bearer" = [])), request_body = Nothing,
    params(("membership_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Reset; the password is told once", body = SecretAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/memberships/{membership_id}/reset_password")]
pub async fn reset_password(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    let (outcome, password) = acts::reset_password(&act.call, &actor, *id).await?;
    Ok(created(&outcome, (!act.call.check).then(|| json!({ "password": password }))))
}

/// New roles of a membership.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRoles {
    /// All roles that it shall have.
    #[schema(max_items = 10)]
    roles: Vec<Role>,
}

/// Change the roles of a membership.
#[utoipa::path(
    tag = "identity", operation_id = "set_roles", security(("bearer" = [])), request_body = SetRoles,
    params(("membership_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Changed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/memberships/{membership_id}/set_roles")]
pub async fn set_roles(actor: Actor, id: Path<Uuid>, act: Act<SetRoles>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::set_roles(&act.call, &actor, *id, act.body.roles.into_iter().collect()).await?))
}

/// A deputy between two days, both included.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameDeputy {
    /// The deputy's membership.
    deputy_id: Uuid,
    /// First day.
    from_on: NaiveDate,
    /// Last day.
    until_on: NaiveDate,
}

/// Name a deputy for a signatory.
#[utoipa::path(
    tag = "identity", operation_id = "name_deputy", security(("bearer" = [])), request_body = NameDeputy,
    params(("membership_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Named", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/memberships/{membership_id}/name_deputy")]
pub async fn name_deputy(actor: Actor, id: Path<Uuid>, act: Act<NameDeputy>) -> Result<HttpResponse, Problem> {
    let body = act.body;
    Ok(answer(&acts::name_deputy(&act.call, &actor, *id, body.deputy_id, body.from_on, body.until_on).await?))
}

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddApiKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// What it may do.
    #[schema(max_items = 10)]
    roles: Vec<Role>,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// Make an API key for the caller's unit; it is told once.
#[utoipa::path(
    tag = "identity", operation_id = "add_api_key", security(("bearer" = [])), request_body = AddApiKey, params(ActHeaders, ActMode),
    responses((status = 201, description = "Made; the key is told once", body = SecretAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/api_keys")]
pub async fn add_api_key(actor: Actor, act: Act<AddApiKey>) -> Result<HttpResponse, Problem> {
    let body = act.body;
    let (outcome, key) = acts::add_api_key(&act.call, &actor, &body.name, body.roles.into_iter().collect(), body.expires_at).await?;
    Ok(created(&outcome, (!act.call.check).then(|| json!({ "api_key": key }))))
}

/// API keys.
#[derive(Serialize, ToSchema)]
pub struct ApiKeys {
    api_keys: Vec<ApiKeyRow>,
}

/// The API keys of the caller's unit, without the keys themselves.
#[utoipa::path(
    tag = "identity", operation_id = "list_api_keys", security(("bearer" = [])),
    responses((status = 200, description = "The keys", body = ApiKeys),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/api_keys")]
pub async fn list_api_keys(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let unit = actor
        .unit_id()
        .filter(|_| actor.roles.has(Role::UnitAdmin) || actor.roles.has(Role::Signatory))
        .ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().json(ApiKeys { api_keys: store::api_keys_of(&mut conn, unit).await? }))
}

/// Revoke an API key at once.
#[utoipa::path(
    tag = "identity", operation_id = "revoke_api_key", security(("bearer" = [])), request_body = Nothing,
    params(("api_key_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Revoked", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/api_keys/{api_key_id}/revoke")]
pub async fn revoke_api_key(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::revoke_api_key(&act.call, &actor, *id).await?))
}

/// A signing delegation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// What it shall sign.
    #[schema(min_items = 1, max_items = 20)]
    acts: Vec<SignedAct>,
    /// Until when.
    until_at: DateTime<Utc>,
}

/// Let a key sign named acts in the caller's name.
#[utoipa::path(
    tag = "identity", operation_id = "delegate_signing", security(("bearer" = [])), request_body = Delegate,
    params(("api_key_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Delegated", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/api_keys/{api_key_id}/delegate_signing")]
pub async fn delegate_signing(actor: Actor, id: Path<Uuid>, act: Act<Delegate>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::delegate(&act.call, &actor, *id, act.body.acts, act.body.until_at).await?))
}
