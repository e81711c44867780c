//! Acts on units and people. Subjects with a chain: unit, user.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{API_KEY_PREFIX, forget_rights, transact};
use super::domain::{Actor, Role, Roles, UnitKind};
use super::password;
use super::store::{self, NewUnit};
use super::uscc::Uscc;
use crate::evidence::{self, Head, Method, NewEvent, Outcome, Signer, Tx};
use crate::platform::app::App;
use crate::platform::call::Call;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};

/// Why an act on units or people is refused.
#[derive(Debug, thiserror::Error)]
pub enum IdentityRefusal {
    /// The unit is registered already.
    #[error("a unit with this USCC is registered")]
    UnitExists,
    /// The login is taken.
    #[error("the login is taken")]
    LoginTaken,
    /// A role of another kind of unit.
    #[error("role {0:?} does not exist in this kind of unit")]
    RoleOfOtherKind(Role),
    /// A membership needs at least one role.
    #[error("no role")]
    NoRole,
    /// Too weak: its length decides.
    #[error("secret too short")]
    SecretTooShort(usize),
    /// The membership ended.
    #[error("membership ended")]
    MembershipEnded,
    /// The days are in the wrong order, or too far apart.
    #[error("dates out of order")]
    DatesOutOfOrder,
    /// Only a signatory can be deputised or can delegate.
    #[error("not a signatory")]
    NotSignatory,
    /// There is a first administrator already.
    #[error("an administrator exists")]
    AdminExists,
}

/// Kinds of problem of this room.
pub static KINDS: [Kind; 9] = [
    Kind::new(409, "unit-exists", "该统一社会信用代码已注册", "A unit with this USCC is registered already"),
    Kind::new(409, "login-taken", "登录名已被占用", "The login is taken"),
    Kind::new(422, "role-of-other-kind", "该类单位没有此角色", "This kind of unit has no such role"),
    Kind::new(422, "no-role", "至少需要一个角色", "At least one role is needed"),
    Kind::new(422, "secret-too-short", "密码或 PIN 过短", "The password or PIN is too short"),
    Kind::new(409, "membership-ended", "该任职已结束", "The membership has ended"),
    Kind::new(422, "dates-out-of-order", "日期顺序有误", "The dates are out of order"),
    Kind::new(422, "not-signatory", "须为签字人", "It must be a signatory"),
    Kind::new(409, "admin-exists", "平台管理员已存在", "There is a platform administrator already"),
];

impl Refusal for IdentityRefusal {
    fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::UnitExists => 0,
            Self::LoginTaken => 1,
            Self::RoleOfOtherKind(_) => 2,
            Self::NoRole => 3,
            Self::SecretTooShort(_) => 4,
            Self::MembershipEnded => 5,
            Self::DatesOutOfOrder => 6,
            Self::NotSignatory => 7,
            Self::AdminExists => 8,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::RoleOfOtherKind(role) => Text::new(
                format!("角色 {} 不适用于此类单位", role.as_str()),
                format!("The role {} does not exist in this kind of unit", role.as_str()),
            ),
            Self::SecretTooShort(min) => Text::new(format!("至少 {min} 个字符"), format!("At least {min} characters")),
            _ => Text::new(self.kind().zh, self.kind().en),
        }
    }
}

/// Unit: characters. NIST and OWASP ask for length, not for kinds of characters.
pub const PASSWORD_MIN: usize = 10;
/// Unit: digits. A PIN only switches among people already known to a device.
pub const PIN_MIN: usize = 6;

/// A unit's own facts.
pub struct UnitFacts {
    /// 统一社会信用代码.
    pub uscc: Uscc,
    /// Name.
    pub name: String,
    /// Division of its seat.
    pub division: String,
    /// Address.
    pub address: String,
    /// Phone.
    pub contact_phone: String,
}

/// A person's facts.
pub struct PersonFacts {
    /// Log-in name.
    pub login: String,
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: Option<String>,
}

fn event(kind: &'static str, subject: Uuid, act: &'static str, at: DateTime<Utc>, payload: Value) -> NewEvent {
    NewEvent { subject_kind: kind, subject, act, claimed_at: at, law: Vec::new(), sealed: BTreeMap::new(), payload }
}

fn refuse(pointer: &str, refusal: IdentityRefusal) -> Problem {
    let mut refusals = Refusals::none();
    refusals.add(pointer, refusal);
    refusals.into()
}

/// Registers an enterprise with its first administrator, who is also clerk and signatory. It cannot act before an
/// officer verified it.
///
/// # Errors
/// `unit-exists`, `login-taken`, `secret-too-short`.
pub async fn register(call: &Call, unit: UnitFacts, person: PersonFacts, secret: &str) -> Result<Outcome, Problem> {
    check_length(secret, PASSWORD_MIN, "/password")?;
    let hash = password::hash(&call.app, secret).await?;
    // Nobody is logged in yet: the key is unique within the unit's own code.
    let stand_in = Uuid::new_v5(&Uuid::NAMESPACE_OID, unit.uscc.as_str().as_bytes());
    let signer = Signer { user: stand_in, membership: None, unit: None, method: Method::Password, with: None };
    evidence::transact(call, signer, 1, false, nobody, async |tx: &mut Tx<'_>, ()| {
        let id = insert_unit(tx, &unit, UnitKind::Enterprise, false, None).await?;
        let roles = [Role::UnitAdmin, Role::Clerk, Role::Signatory].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Some(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "uscc": unit.uscc, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "register_unit", tx.now(), payload)).await?;
        Ok(())
    })
    .await
}

/// Acts without a logged-in caller have no rights to read.
async fn nobody(_: &diesel_async::AsyncPgConnection) -> Result<(), Problem> {
    Ok(())
}

async fn insert_unit(
    tx: &mut Tx<'_>,
    unit: &UnitFacts,
    kind: UnitKind,
    is_external: bool,
    verified_at: Option<DateTime<Utc>>,
) -> Result<Uuid, Problem> {
    let id = tx.new_id();
    let now = tx.now();
    let new = NewUnit {
        id,
        uscc: unit.uscc.as_str(),
        name: &unit.name,
        kind,
        is_external,
        division: &unit.division,
        address: &unit.address,
        contact_phone: &unit.contact_phone,
        verified_at,
    };
    if store::insert_unit(tx.conn, &new, now).await? { Ok(id) } else { Err(refuse("/unit/uscc", IdentityRefusal::UnitExists)) }
}

async fn insert_person(tx: &mut Tx<'_>, person: &PersonFacts, unit: Uuid, hash: Option<&str>, roles: Roles) -> Result<(Uuid, Uuid), Problem> {
    let (user, membership, now) = (tx.new_id(), tx.new_id(), tx.now());
    if !store::insert_user(tx.conn, user, &person.login, &person.name, person.phone.as_deref(), hash, now).await? {
        return Err(refuse("/person/login", IdentityRefusal::LoginTaken));
    }
    store::insert_membership(tx.conn, membership, user, unit, roles, now).await?;
    Ok((user, membership))
}

fn check_length(secret: &str, min: usize, pointer: &str) -> Result<(), Problem> {
    if secret.chars().count() < min { Err(refuse(pointer, IdentityRefusal::SecretTooShort(min))) } else { Ok(()) }
}

/// An officer of the division verifies a unit (核验).
///
/// # Errors
/// 404 outside the jurisdiction, 403 for a mere viewer, 412.
pub async fn verify_unit(call: &Call, actor: &Actor, unit: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::unit_by_id(tx.conn, unit).await?.ok_or_else(Problem::not_found)?;
        if !store::officer_sees(tx.conn, actor, &stored.division).await? {
            return Err(Problem::not_found());
        }
        if !(actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let head = tx.lock(unit).await?;
        tx.seen(unit, &head).await?;
        let now = tx.now();
        store::set_verified(tx.conn, unit, now).await?;
        tx.append(&head, event("unit", unit, "verify_unit", now, json!({ "unit_id": unit }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// A partner outside the system (系统外单位): it has no users, its part comes from papers or by one-time code.
///
/// # Errors
/// 403 unless a clerk or dispatcher of a verified unit; `unit-exists`.
pub async fn add_external_unit(call: &Call, actor: &Actor, unit: UnitFacts) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.is_verified() || !(actor.roles.has(Role::Clerk) || actor.roles.has(Role::Dispatcher)) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Enterprise, true, Some(now)).await?;
        tx.append(
            &Head::NEW,
            event("unit", id, "add_external_unit", now, json!({ "unit_id": id, "uscc": unit.uscc, "made_by_unit": actor.unit_id() })),
        )
        .await?;
        Ok(())
    })
    .await
}

/// Adds a person to the actor's unit. The password is made here and told once: nobody chooses another's.
///
/// # Errors
/// 403 unless unit administrator; `login-taken`, `no-role`, `role-of-other-kind`.
pub async fn add_user(call: &Call, actor: &Actor, person: PersonFacts, roles: Roles) -> Result<(Outcome, String), Problem> {
    let secret = new_secret(12);
    let hash = password::hash(&call.app, &secret).await?;
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        check_roles(roles, unit.1, "/roles")?;
        let (user, membership) = insert_person(tx, &person, unit.0, Some(&hash), roles).await?;
        let payload = json!({ "user_id": user, "membership_id": membership, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&Head::NEW, event("user", user, "add_user", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// Gives somebody who has an account elsewhere a membership in the actor's unit too.
///
/// # Errors
/// 403, 404 for an unknown login, `no-role`, `role-of-other-kind`.
pub async fn add_membership(call: &Call, actor: &Actor, login: &str, roles: Roles) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        check_roles(roles, unit.1, "/roles")?;
        let account = store::accounts(tx.conn, login).await?.pop().ok_or_else(Problem::not_found)?;
        let head = head_of(tx, account.id).await?;
        let (membership, now) = (tx.new_id(), tx.now());
        store::insert_membership(tx.conn, membership, account.id, unit.0, roles, now).await?;
        let payload = json!({ "user_id": account.id, "membership_id": membership, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&head, event("user", account.id, "add_membership", now, payload)).await?;
        Ok(())
    })
    .await
}

/// A first administrator registered with his unit has no chain of his own yet.
async fn head_of(tx: &mut Tx<'_>, user: Uuid) -> Result<Head, Problem> {
    match tx.lock(user).await {
        Err(problem) if problem.status == 404 => Ok(Head::NEW),
        other => other,
    }
}

/// Ends a membership today. Signatures keep the name of their day; open tasks belong to the unit.
///
/// # Errors
/// 403, 404, `membership-ended`.
pub async fn end_membership(call: &Call, actor: &Actor, membership: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        let head = head_of(tx, row.user_id).await?;
        let now = tx.now();
        store::end_membership(tx.conn, membership, now).await?;
        tx.append(&head, event("user", row.user_id, "end_membership", now, json!({ "membership_id": membership, "unit_id": row.unit_id }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Changes the roles of a membership; in force at once.
///
/// # Errors
/// 403, 404, `membership-ended`, `no-role`, `role-of-other-kind`.
pub async fn set_roles(call: &Call, actor: &Actor, membership: Uuid, roles: Roles) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        check_roles(roles, administered(actor)?.1, "/roles")?;
        let row = own_membership(tx, actor, membership).await?;
        let head = head_of(tx, row.user_id).await?;
        store::set_roles(tx.conn, membership, roles).await?;
        let payload = json!({ "membership_id": membership, "unit_id": row.unit_id, "roles": names(roles) });
        tx.append(&head, event("user", row.user_id, "set_roles", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Names a deputy for a signatory between two days, both included.
///
/// # Errors
/// 403, 404, `not-signatory`, `dates-out-of-order`.
pub async fn name_deputy(call: &Call, actor: &Actor, membership: Uuid, deputy: Uuid, from: NaiveDate, until: NaiveDate) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let row = own_membership(tx, actor, membership).await?;
        own_membership(tx, actor, deputy).await?;
        let mut refusals = Refusals::none();
        if !row.roles.iter().any(|role| role == Role::Signatory.as_str()) {
            refusals.add("/membership_id", IdentityRefusal::NotSignatory);
        }
        if until < from || (until - from).num_days() > 366 {
            refusals.add("/until_on", IdentityRefusal::DatesOutOfOrder);
        }
        refusals.or(())?;
        let head = head_of(tx, row.user_id).await?;
        let id = tx.new_id();
        store::insert_deputy(tx.conn, id, membership, deputy, from, until).await?;
        let payload = json!({ "membership_id": membership, "deputy_id": deputy, "from_on": from, "until_on": until });
        tx.append(&head, event("user", row.user_id, "name_deputy", tx.now(), payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

async fn own_membership(tx: &mut Tx<'_>, actor: &Actor, membership: Uuid) -> Result<store::MembershipRow, Problem> {
    let unit = administered(actor)?;
    let row = store::membership_by_id(tx.conn, membership).await?.filter(|row| row.unit_id == unit.0).ok_or_else(Problem::not_found)?;
    if row.ended_at.is_some() { Err(refuse("", IdentityRefusal::MembershipEnded)) } else { Ok(row) }
}

fn administered(actor: &Actor) -> Result<(Uuid, UnitKind), Problem> {
    match &actor.unit {
        Some(unit) if actor.roles.has(Role::UnitAdmin) || actor.roles.has(Role::PlatformAdmin) => Ok((unit.id, unit.kind)),
        _ => Err(Problem::of(&kinds::FORBIDDEN)),
    }
}

fn check_roles(roles: Roles, kind: UnitKind, pointer: &str) -> Result<(), Problem> {
    let mut refusals = Refusals::none();
    if roles.iter().next().is_none() {
        refusals.add(pointer, IdentityRefusal::NoRole);
    }
    for role in roles.iter().filter(|role| !role.belongs_to(kind)) {
        refusals.add(pointer, IdentityRefusal::RoleOfOtherKind(role));
    }
    Ok(refusals.or(())?)
}

fn names(roles: Roles) -> Vec<&'static str> {
    roles.iter().map(Role::as_str).collect()
}

/// Changes the caller's own password or PIN; other sessions of the person end.
///
/// # Errors
/// 403 when the present password is wrong, `secret-too-short`, 503.
pub async fn change_secret(call: &Call, actor: &Actor, current: &str, password: Option<&str>, pin: Option<&str>) -> Result<Outcome, Problem> {
    let login = {
        let mut conn = call.app.db.get().await?;
        store::memberships_of_user(&mut conn, actor.user).await?.into_iter().next().map(|row| row.login)
    };
    let account = match login {
        Some(login) => {
            let mut conn = call.app.db.get().await?;
            store::accounts(&mut conn, &login).await?.into_iter().find(|account| account.id == actor.user)
        }
        None => None,
    };
    if !password::matches(&call.app, current, account.and_then(|account| account.password_hash).as_deref()).await? {
        return Err(Problem::forbidden(Text::new("当前密码不正确", "The present password is wrong")));
    }
    let mut hashes = (None, None);
    if let Some(secret) = password {
        check_length(secret, PASSWORD_MIN, "/password")?;
        hashes.0 = Some(password::hash(&call.app, secret).await?);
    }
    if let Some(secret) = pin {
        check_length(secret, PIN_MIN, "/pin")?;
        hashes.1 = Some(password::hash(&call.app, secret).await?);
    }
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = head_of(tx, actor.user).await?;
        let now = tx.now();
        store::set_secret(tx.conn, actor.user, hashes.0.as_deref(), hashes.1.as_deref()).await?;
        store::end_sessions_of_user(tx.conn, actor.user, actor.session, now).await?;
        tx.append(&head, event("user", actor.user, "change_secret", now, json!({ "password": hashes.0.is_some(), "pin": hashes.1.is_some() })))
            .await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Makes an API key for the actor's unit; the key itself is told once and stored as a hash.
///
/// # Errors
/// 403 unless unit administrator, `role-of-other-kind`, `dates-out-of-order`.
pub async fn add_api_key(call: &Call, actor: &Actor, name: &str, roles: Roles, until: DateTime<Utc>) -> Result<(Outcome, String), Problem> {
    let secret = format!("{API_KEY_PREFIX}{}", new_secret(40));
    let digest = super::auth::digest(&secret);
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        check_roles(roles, unit.1, "/roles")?;
        // A key that could make people and keys would outlive its own revocation.
        if roles.has(Role::UnitAdmin) || roles.has(Role::PlatformAdmin) {
            return Err(refuse("/roles", IdentityRefusal::RoleOfOtherKind(Role::UnitAdmin)));
        }
        let (id, now) = (tx.new_id(), tx.now());
        if until <= now {
            return Err(refuse("/expires_at", IdentityRefusal::DatesOutOfOrder));
        }
        store::insert_api_key(tx.conn, id, unit.0, name, &digest, roles, actor.user, now, until).await?;
        let payload = json!({ "api_key_id": id, "unit_id": unit.0, "roles": names(roles) });
        tx.append(&Head::NEW, event("api_key", id, "add_api_key", now, payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// Revokes an API key; in force at once.
///
/// # Errors
/// 403, 404.
pub async fn revoke_api_key(call: &Call, actor: &Actor, key: Uuid) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = administered(actor)?;
        let now = tx.now();
        if !store::revoke_api_key(tx.conn, key, unit.0, now).await? {
            return Err(Problem::not_found());
        }
        let head = tx.lock(key).await?;
        tx.append(&head, event("api_key", key, "revoke_api_key", now, json!({ "api_key_id": key }))).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// A signatory lets a key of his unit sign named acts in his name until a day.
///
/// # Errors
/// 403 unless the caller is a signatory himself, 404, `dates-out-of-order`.
pub async fn delegate(call: &Call, actor: &Actor, key: Uuid, acts: Vec<String>, until: DateTime<Utc>) -> Result<Outcome, Problem> {
    let outcome = transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let (Some(membership), Some(unit)) = (actor.membership, actor.unit_id()) else { return Err(Problem::of(&kinds::FORBIDDEN)) };
        if !actor.roles.has(Role::Signatory) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        if !store::api_keys_of(tx.conn, unit).await?.iter().any(|row| row.id == key && row.revoked_at.is_none()) {
            return Err(Problem::not_found());
        }
        let (id, now) = (tx.new_id(), tx.now());
        if until <= now {
            return Err(refuse("/until_at", IdentityRefusal::DatesOutOfOrder));
        }
        let head = tx.lock(key).await?;
        store::insert_delegation(tx.conn, id, key, membership, &acts, now, until).await?;
        let payload = json!({ "delegation_id": id, "api_key_id": key, "signatory": actor.user, "acts": acts, "until_at": crate::platform::clock::rfc3339(until) });
        tx.append(&head, event("api_key", key, "delegate_signing", now, payload)).await?;
        Ok(())
    })
    .await?;
    forget_rights(&call.app);
    Ok(outcome)
}

/// Makes an authority (主管部门) with its jurisdiction and its first manager; the password is told once.
///
/// # Errors
/// 403 unless platform administrator; `unit-exists`, `login-taken`.
pub async fn add_authority(
    call: &Call,
    actor: &Actor,
    unit: UnitFacts,
    divisions: Vec<String>,
    person: PersonFacts,
) -> Result<(Outcome, String), Problem> {
    let secret = new_secret(12);
    let hash = password::hash(&call.app, &secret).await?;
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        if !actor.roles.has(Role::PlatformAdmin) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Authority, false, Some(now)).await?;
        for division in &divisions {
            store::insert_jurisdiction(tx.conn, id, division, crate::platform::calendar::legal_day(now)).await?;
        }
        let roles = [Role::UnitAdmin, Role::Viewer, Role::Inspector, Role::Manager].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Some(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "divisions": divisions, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "add_authority", now, payload)).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, secret))
}

/// The first administrator, made by `liandan admin create` on the machine itself; refused once there is one.
///
/// # Errors
/// `admin-exists`, `login-taken`.
pub async fn create_first_admin(call: &Call, uscc: Uscc, unit_name: &str, login: &str, secret: &str) -> Result<Outcome, Problem> {
    check_length(secret, PASSWORD_MIN, "/password")?;
    let hash = password::hash(&call.app, secret).await?;
    let signer = Signer { user: Uuid::nil(), membership: None, unit: None, method: Method::System, with: None };
    evidence::transact(call, signer, 1, false, nobody, async |tx: &mut Tx<'_>, ()| {
        if store::count_platform_admins(tx.conn).await? > 0 {
            return Err(refuse("", IdentityRefusal::AdminExists));
        }
        let unit = UnitFacts { uscc, name: unit_name.to_owned(), division: "000000".into(), address: String::new(), contact_phone: String::new() };
        let now = tx.now();
        let id = insert_unit(tx, &unit, UnitKind::Platform, false, Some(now)).await?;
        let person = PersonFacts { login: login.to_owned(), name: login.to_owned(), phone: None };
        let roles = [Role::UnitAdmin, Role::PlatformAdmin].into_iter().collect();
        let (user, membership) = insert_person(tx, &person, id, Some(&hash), roles).await?;
        let payload = json!({ "unit_id": id, "user_id": user, "membership_id": membership });
        tx.append(&Head::NEW, event("unit", id, "create_first_admin", now, payload)).await?;
        Ok(())
    })
    .await
}

/// A secret from the operating system's generator, in letters and digits that cannot be confused when read aloud.
#[must_use]
pub fn new_secret(length: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679";
    (0..length).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// What log-in gives.
pub struct LoggedIn {
    /// Access token.
    pub access_token: String,
    /// Refresh token, told once.
    pub refresh_token: String,
    /// The membership of the token.
    pub membership: Option<Uuid>,
    /// The user.
    pub user: Uuid,
}

/// How somebody shows who he is.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// By password, anywhere.
    Password,
    /// By PIN on a device of this unit, among its people.
    PinOnDeviceOf(Uuid),
}

/// Logs in by login or phone and password, or by PIN on a device that knows the person.
///
/// # Errors
/// 401 without saying which part was wrong; 429 while the back-off of this account and source runs; 503.
pub async fn log_in(
    app: &App,
    name: &str,
    secret: &str,
    how: How,
    membership: Option<Uuid>,
    device: Option<&str>,
    source: &str,
) -> Result<LoggedIn, Problem> {
    let wrong = || Problem::of(&kinds::UNAUTHENTICATED);
    let now = app.clock.now();
    let account_key = super::auth::digest(name);
    let lifted = app.limits.logins_per_minute == 0;
    let accounts = {
        let mut conn = app.db.get().await?;
        if !lifted && let Some(at) = store::next_try(&mut conn, &account_key, source).await?.filter(|at| *at > now) {
            let wait = u32::try_from((at - now).num_seconds()).unwrap_or(u32::MAX).max(1);
            return Err(Problem { retry_after: Some(wait), ..Problem::of(&kinds::TOO_MANY) });
        }
        store::accounts(&mut conn, name).await?
    };
    // A phone may belong to several accounts; the password decides. Unknown names cost one hash too.
    let mut found = None;
    let candidates = accounts.len().max(1);
    for index in 0..candidates {
        let account = accounts.get(index);
        let stored = account.and_then(|account| match how {
            How::Password => account.password_hash.as_deref(),
            How::PinOnDeviceOf(_) => account.pin_hash.as_deref(),
        });
        if password::matches(app, secret, stored).await? {
            found = account.map(|account| account.id);
            break;
        }
    }
    let mut conn = app.db.get().await?;
    let memberships = match found {
        Some(user) => store::memberships_of_user(&mut conn, user).await?,
        None => Vec::new(),
    };
    let fits = |row: &store::MembershipRow| match how {
        How::Password => membership.is_none_or(|id| row.id == id),
        How::PinOnDeviceOf(unit) => row.unit_id == unit && membership.is_none_or(|id| row.id == id),
    };
    let chosen = memberships.iter().find(|row| fits(row)).map(|row| row.id);
    // Without a membership that fits only a password opens anything, and only where none was asked for.
    let may_go_without = matches!(how, How::Password) && membership.is_none();
    let Some(user) = found.filter(|_| chosen.is_some() || may_go_without) else {
        if !lifted {
            store::count_failure(&mut conn, &account_key, source, now).await?;
        }
        return Err(wrong());
    };
    if !lifted {
        store::clear_failures(&mut conn, &account_key, source).await?;
    }
    let method = match how {
        How::Password => Method::Password,
        How::PinOnDeviceOf(_) => Method::Pin,
    };
    open_session(app, user, chosen, method, device).await
}

/// Opens a session for somebody already known.
///
/// # Errors
/// As the database.
pub async fn open_session(app: &App, user: Uuid, membership: Option<Uuid>, method: Method, device: Option<&str>) -> Result<LoggedIn, Problem> {
    let now = app.clock.now();
    let (session, refresh) = (app.clock.new_id(), new_secret(43));
    let mut conn = app.db.get().await?;
    store::insert_session(&mut conn, session, user, membership, method, device, now, now + super::token::REFRESH_LIFE).await?;
    store::insert_refresh(&mut conn, &super::auth::digest(&refresh), session, now).await?;
    Ok(LoggedIn { access_token: super::token::issue(app, user, session, membership, method, now)?, refresh_token: refresh, membership, user })
}

/// Opens a session in the first membership of somebody already known to this process: how the demonstration acts as its
/// people without hashing a password for each.
///
/// # Errors
/// As the database.
pub async fn open_only_session(app: &App, user: Uuid, method: Method) -> Result<LoggedIn, Problem> {
    let membership = {
        let mut conn = app.db.get().await?;
        store::memberships_of_user(&mut conn, user).await?.first().map(|row| row.id)
    };
    open_session(app, user, membership, method, None).await
}

/// Gives every account of a demonstration one password, hashed once; elsewhere it changes nothing.
///
/// # Errors
/// As the database.
pub async fn share_secret(app: &App, secret: &str) -> Result<usize, Problem> {
    let hash = password::hash(app, secret).await?;
    let mut conn = app.db.get().await?;
    store::share_secret(&mut conn, &hash).await
}

/// Time in which a lost answer of a rotation may be asked for again.
const REPEAT_WITHIN: chrono::Duration = chrono::Duration::seconds(10);

/// Rotates a refresh token. The successor is derived from the old token, so a lost answer can be repeated for ten
/// seconds without storing it; any other reuse ends the family.
///
/// # Errors
/// 401.
pub async fn refresh(app: &App, token: &str) -> Result<LoggedIn, Problem> {
    use diesel_async::{AnsiTransactionManager, TransactionManager};
    let mut conn = app.db.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *conn).await?;
    let result = rotate(&mut conn, app, token).await;
    // The end of a family must be kept although the answer is no.
    AnsiTransactionManager::commit_transaction(&mut *conn).await?;
    result
}

async fn rotate(conn: &mut diesel_async::AsyncPgConnection, app: &App, token: &str) -> Result<LoggedIn, Problem> {
    use hmac_like::successor;
    let wrong = || Problem::of(&kinds::UNAUTHENTICATED);
    let now = app.clock.now();
    let hash = super::auth::digest(token);
    let row = store::lock_refresh(conn, &hash).await?.ok_or_else(wrong)?;
    if row.ended_at.is_some() || row.expires_at <= now {
        return Err(wrong());
    }
    let next = successor(&app.keys.token, token);
    match row.used_at {
        None => {
            let next_hash = super::auth::digest(&next);
            store::insert_refresh(conn, &next_hash, row.session_id, now).await?;
            store::use_refresh(conn, &hash, &next_hash, now, now + super::token::REFRESH_LIFE).await?;
        }
        // Only the immediate predecessor, and only until its successor was used.
        Some(used_at) if now - used_at <= REPEAT_WITHIN && row.successor_unused => {}
        Some(_) => {
            store::end_session(conn, row.session_id, "refresh_reused", now).await?;
            forget_rights(app);
            return Err(wrong());
        }
    }
    let access_token =
        super::token::issue(app, row.user_id, row.session_id, row.membership_id, if row.by_pin { Method::Pin } else { Method::Password }, now)?;
    Ok(LoggedIn { access_token, refresh_token: next, membership: row.membership_id, user: row.user_id })
}

/// The successor of a refresh token.
mod hmac_like {
    use crate::platform::keys::Key;

    /// A signature is a keyed function that only this installation can compute; its hash gives no more than that.
    pub fn successor(key: &Key, token: &str) -> String {
        use base64::Engine;
        use sha2::Digest;
        let signature = key.sign(format!("liandan-refresh-successor\0{token}").as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(signature))
    }
}

/// Ends the caller's session.
///
/// # Errors
/// As the database.
pub async fn log_out(app: &App, actor: &Actor) -> Result<(), Problem> {
    if let Some(session) = actor.session {
        let mut conn = app.db.get().await?;
        store::end_session(&mut conn, session, "logged_out", app.clock.now()).await?;
        forget_rights(app);
    }
    Ok(())
}

/// The unit whose device shows this live refresh token: a PIN switches only among the people of that unit.
///
/// # Errors
/// 401.
pub async fn unit_of_device(app: &App, token: &str) -> Result<Uuid, Problem> {
    let mut conn = app.db.get().await?;
    let unit = store::unit_of_device(&mut conn, &super::auth::digest(token), app.clock.now()).await?;
    unit.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))
}

#[derive(Default)]
struct Sources(std::sync::OnceLock<Option<governor::DefaultKeyedRateLimiter<String>>>);

/// Bounds what one source may ask of the costly open operations.
///
/// # Errors
/// 429.
pub fn bound_source(app: &App, source: &str) -> Result<(), Problem> {
    let sources = app.shelf::<Sources>();
    let limiter = sources.0.get_or_init(|| {
        std::num::NonZeroU32::new(app.limits.logins_per_minute).map(|limit| governor::RateLimiter::keyed(governor::Quota::per_minute(limit)))
    });
    match limiter {
        Some(limiter) if limiter.check_key(&source.to_owned()).is_err() => Err(Problem { retry_after: Some(10), ..Problem::of(&kinds::TOO_MANY) }),
        _ => Ok(()),
    }
}
