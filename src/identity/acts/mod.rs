//! Acts on units and people. Subjects with a chain: unit, user, API key.

mod invitations;
mod keys;
mod people;
mod sessions;
mod units;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::domain::{Actor, Role, Roles, SignedAct, UnitKind};
use super::store;
use super::uscc::Uscc;
use crate::evidence::{NewEvent, Tx};
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};

pub use invitations::{accept_invitation, end_invitation, invite};
pub use keys::{add_api_key, delegate, end_delegation, revoke_api_key};
pub use people::{add_user, change_secret, end_deputy, end_membership, name_deputy, reset_password, set_roles};
pub use sessions::{
    How, LoggedIn, bound_source, end_own_session, log_in, log_out, open_only_session, open_session, refresh, share_secret, unit_of_device,
};
pub use units::{add_authority, add_external_unit, create_first_admin, register, verify_unit};

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
    /// Another claim of the same code was verified.
    #[error("the claim ended")]
    ClaimEnded,
    /// Accepted, declined, withdrawn or too old.
    #[error("the invitation ended")]
    InvitationEnded,
    /// Nobody is twice a member of one unit.
    #[error("a member already")]
    MemberAlready,
    /// The unit would have no administrator left.
    #[error("no administrator left")]
    LastAdmin,
    /// The person belongs to another unit too, whose rights its administrator would get by it.
    #[error("a member of another unit too")]
    MemberElsewhere,
    /// Nobody stands in for himself.
    #[error("deputy of oneself")]
    DeputyOfOneself,
    /// Ended, or over.
    #[error("the deputy's time ended")]
    DeputyEnded,
    /// Ended, or over.
    #[error("the delegation ended")]
    DelegationEnded,
    /// The key has no role for the act.
    #[error("the key has no role for {0:?}")]
    UselessDelegation(SignedAct),
    /// An open invitation waits.
    #[error("invited already")]
    InvitedAlready,
    /// Among the first that anybody tries.
    #[error("secret guessable")]
    SecretGuessable,
    /// Not in the division tree below the country.
    #[error("unknown division {0}")]
    UnknownDivision(String),
}

/// Kinds of problem of this room.
pub static KINDS: [Kind; 21] = [
    Kind::new(409, "unit-exists", "该统一社会信用代码已注册", "A unit with this USCC is registered already"),
    Kind::new(409, "login-taken", "登录名已被占用", "The login is taken"),
    Kind::new(422, "role-of-other-kind", "该类单位没有此角色", "This kind of unit has no such role"),
    Kind::new(422, "no-role", "至少需要一个角色", "At least one role is needed"),
    Kind::new(422, "secret-too-short", "密码或 PIN 过短", "The password or PIN is too short"),
    Kind::new(409, "membership-ended", "该任职已结束", "The membership has ended"),
    Kind::new(422, "dates-out-of-order", "日期顺序有误", "The dates are out of order"),
    Kind::new(422, "not-signatory", "须为签字人", "It must be a signatory"),
    Kind::new(409, "admin-exists", "平台管理员已存在", "There is a platform administrator already"),
    Kind::new(409, "claim-ended", "该注册申请已失效：同一代码的另一申请已通过核验", "This claim ended: another one of the same code was verified"),
    Kind::new(409, "invitation-ended", "该邀请已失效", "The invitation has ended"),
    Kind::new(409, "member-already", "该人员已在该单位任职", "A member of this unit already"),
    Kind::new(409, "last-admin", "该单位将没有单位管理员", "The unit would have no administrator left"),
    Kind::new(
        409,
        "member-elsewhere",
        "该人员同时任职于其他单位，须由平台管理员重置密码",
        "The person is a member of another unit too: the platform's administrator resets the password",
    ),
    Kind::new(422, "deputy-of-oneself", "不能委托本人为代理人", "Nobody is his own deputy"),
    Kind::new(409, "deputy-ended", "该代理已结束", "The deputy's time has ended"),
    Kind::new(409, "delegation-ended", "该委托已结束", "The delegation has ended"),
    Kind::new(422, "useless-delegation", "该密钥没有此操作所需的角色", "The key has no role for this act"),
    Kind::new(409, "invited-already", "已邀请该登录名，请等待答复", "This log-in is invited already"),
    Kind::new(422, "secret-guessable", "密码或 PIN 过于常见，容易被猜中", "The password or PIN is among the first that anybody would try"),
    Kind::new(422, "unknown-division", "行政区划不存在", "There is no such division"),
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
            Self::ClaimEnded => 9,
            Self::InvitationEnded => 10,
            Self::MemberAlready => 11,
            Self::LastAdmin => 12,
            Self::MemberElsewhere => 13,
            Self::DeputyOfOneself => 14,
            Self::DeputyEnded => 15,
            Self::DelegationEnded => 16,
            Self::UselessDelegation(_) => 17,
            Self::InvitedAlready => 18,
            Self::SecretGuessable => 19,
            Self::UnknownDivision(_) => 20,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::RoleOfOtherKind(role) => Text::new(
                format!("角色 {} 不适用于此类单位", role.as_str()),
                format!("The role {} does not exist in this kind of unit", role.as_str()),
            ),
            Self::UnknownDivision(code) => Text::new(
                format!("没有行政区划 {code}，或不能作为单位所在地"),
                format!("There is no division {code} in which a unit may have its seat"),
            ),
            Self::SecretTooShort(min) => Text::new(format!("至少 {min} 个字符"), format!("At least {min} characters")),
            Self::UselessDelegation(act) => {
                Text::new(format!("该密钥没有 {} 所需的角色", act.as_str()), format!("The key has no role for {}", act.as_str()))
            }
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

/// The hash of a first password, and whose choice it was.
#[derive(Clone, Copy)]
enum Secret<'a> {
    /// The person's own.
    Own(&'a str),
    /// Made here and told by another: it opens nothing but the change to an own one.
    Told(&'a str),
}

async fn insert_person(tx: &mut Tx<'_>, person: &PersonFacts, unit: Uuid, secret: Secret<'_>, roles: Roles) -> Result<(Uuid, Uuid), Problem> {
    let (hash, is_first) = match secret {
        Secret::Own(hash) => (hash, false),
        Secret::Told(hash) => (hash, true),
    };
    let (user, membership, now) = (tx.new_id(), tx.new_id(), tx.now());
    if !store::insert_user(tx.conn, user, &person.login, &person.name, person.phone.as_deref(), hash, is_first, now).await? {
        return Err(refuse("/person/login", IdentityRefusal::LoginTaken));
    }
    store::insert_membership(tx.conn, membership, user, unit, roles, now).await?;
    Ok((user, membership))
}

fn check_secret(secret: &str, min: usize, pointer: &str) -> Result<(), Problem> {
    if secret.chars().count() < min {
        return Err(refuse(pointer, IdentityRefusal::SecretTooShort(min)));
    }
    if super::guessable::is_guessable(secret) { Err(refuse(pointer, IdentityRefusal::SecretGuessable)) } else { Ok(()) }
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

/// A secret from the operating system's generator, in letters and digits that cannot be confused when read aloud.
#[must_use]
pub fn new_secret(length: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679";
    (0..length).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}
