//! People, units and what they may do. No clock and no I/O here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::evidence::{Method, Signer};

/// What a person does in a unit (角色). A membership carries a set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 单位管理员: users, keys, deputies of the unit.
    UnitAdmin,
    /// 经办人: prepares and issues.
    Clerk,
    /// 签字人: signs release and confirmation.
    Signatory,
    /// 调度员: vehicles, drivers, trips.
    Dispatcher,
    /// 驾驶员.
    Driver,
    /// 司磅员, gate included.
    Weigher,
    /// 主管部门查看人员.
    Viewer,
    /// 执法检查人员.
    Inspector,
    /// 主管部门负责人.
    Manager,
    /// 平台管理员.
    PlatformAdmin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::UnitAdmin,
        Self::Clerk,
        Self::Signatory,
        Self::Dispatcher,
        Self::Driver,
        Self::Weigher,
        Self::Viewer,
        Self::Inspector,
        Self::Manager,
        Self::PlatformAdmin,
    ];
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnitAdmin => "unit_admin",
            Self::Clerk => "clerk",
            Self::Signatory => "signatory",
            Self::Dispatcher => "dispatcher",
            Self::Driver => "driver",
            Self::Weigher => "weigher",
            Self::Viewer => "viewer",
            Self::Inspector => "inspector",
            Self::Manager => "manager",
            Self::PlatformAdmin => "platform_admin",
        }
    }
    /// Reads what [`Self::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
    /// Whether an enterprise, an authority or the platform gives this role.
    #[must_use]
    pub const fn belongs_to(self, kind: UnitKind) -> bool {
        match self {
            Self::UnitAdmin => true,
            Self::Clerk | Self::Signatory | Self::Dispatcher | Self::Driver | Self::Weigher => matches!(kind, UnitKind::Enterprise),
            Self::Viewer | Self::Inspector | Self::Manager => matches!(kind, UnitKind::Authority),
            Self::PlatformAdmin => matches!(kind, UnitKind::Platform),
        }
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u16);

impl Roles {
    /// Whether the role is in the set.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u16) != 0
    }
    /// With one more role.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u16)
    }
    /// The roles in their order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// 企业事业单位.
    Enterprise,
    /// 主管部门.
    Authority,
    /// 平台运营方.
    Platform,
}

impl UnitKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::Authority => "authority",
            Self::Platform => "platform",
        }
    }
    /// Reads what [`Self::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enterprise, Self::Authority, Self::Platform].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The unit for which an actor acts.
#[derive(Debug, Clone)]
pub struct ActingUnit {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: UnitKind,
    /// Whether an officer verified it.
    pub is_verified: bool,
}

/// What is a signature (签名), so that an API key does it only under a signatory's delegation. Rooms to the right do these
/// acts; a test of theirs compares names and roles with their own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedAct {
    /// 提交.
    Issue,
    /// 交付.
    Release,
    /// 撤回交付.
    Withdraw,
    /// 接运.
    TakeOver,
    /// 拒运.
    RefuseTakeOver,
    /// 换车/交接.
    HandOver,
    /// 到达.
    Arrive,
    /// 未入厂.
    NotReceived,
    /// 入厂.
    Receive,
    /// 确认接受.
    Confirm,
    /// 利用处置.
    RecordTreatment,
    /// 退回/改送.
    SendOn,
    /// 途中退回/改送.
    TurnBack,
    /// 补签.
    SignLate,
    /// 取消.
    Cancel,
    /// 作废.
    Void,
    /// 补录.
    BackEnter,
    /// 更正.
    Correct,
    /// 同意更正.
    Agree,
    /// 不同意更正.
    Disagree,
}

impl SignedAct {
    /// Every one.
    pub const ALL: [Self; 20] = [
        Self::Issue,
        Self::Release,
        Self::Withdraw,
        Self::TakeOver,
        Self::RefuseTakeOver,
        Self::HandOver,
        Self::Arrive,
        Self::NotReceived,
        Self::Receive,
        Self::Confirm,
        Self::RecordTreatment,
        Self::SendOn,
        Self::TurnBack,
        Self::SignLate,
        Self::Cancel,
        Self::Void,
        Self::BackEnter,
        Self::Correct,
        Self::Agree,
        Self::Disagree,
    ];
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Release => "release",
            Self::Withdraw => "withdraw",
            Self::TakeOver => "take_over",
            Self::RefuseTakeOver => "refuse_take_over",
            Self::HandOver => "hand_over",
            Self::Arrive => "arrive",
            Self::NotReceived => "not_received",
            Self::Receive => "receive",
            Self::Confirm => "confirm",
            Self::RecordTreatment => "record_treatment",
            Self::SendOn => "send_on",
            Self::TurnBack => "turn_back",
            Self::SignLate => "sign_late",
            Self::Cancel => "cancel",
            Self::Void => "void",
            Self::BackEnter => "back_enter",
            Self::Correct => "correct",
            Self::Agree => "agree",
            Self::Disagree => "disagree",
        }
    }
    /// The roles of which one is needed; a key without any of them has no use for a delegation.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Clerk, Dispatcher, Driver, Inspector, Manager, Signatory, Weigher};
        match self {
            Self::Issue | Self::RecordTreatment | Self::Cancel | Self::BackEnter => &[Clerk, Signatory],
            Self::Release | Self::Withdraw => &[Signatory, Dispatcher],
            Self::TakeOver | Self::RefuseTakeOver | Self::HandOver => &[Driver, Dispatcher],
            Self::Arrive | Self::NotReceived => &[Driver, Dispatcher, Weigher, Signatory],
            Self::Receive => &[Weigher, Signatory],
            Self::Confirm | Self::SendOn | Self::TurnBack => &[Signatory],
            Self::SignLate => &[Driver, Dispatcher, Signatory],
            Self::Void => &[Manager, Inspector],
            Self::Correct => &[Clerk, Signatory, Dispatcher, Weigher],
            Self::Agree | Self::Disagree => &[Signatory, Dispatcher, Manager],
        }
    }
}

/// What an API key may sign in a signatory's name.
#[derive(Debug, Clone, Deserialize)]
pub struct Delegation {
    /// The signatory's user.
    pub signatory: Uuid,
    /// The membership in which he is signatory.
    pub membership: Uuid,
    /// Acts by name.
    pub acts: Vec<String>,
}

/// The API key that calls.
#[derive(Debug, Clone)]
pub struct ByKey {
    /// The key.
    pub id: Uuid,
    /// Its hash, by which its rights are read again.
    pub hash: Vec<u8>,
}

/// Who is calling, with the rights of this moment.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The person, or the person who made the API key.
    pub user: Uuid,
    /// Name of the person.
    pub name: String,
    /// The membership that the token names; none for a driver's own token.
    pub membership: Option<Uuid>,
    /// Its unit.
    pub unit: Option<ActingUnit>,
    /// Whose signature a deputy gives today (代理人): the membership of the signatory who named him, where he is none himself.
    pub stands_in_for: Option<Uuid>,
    /// The session was opened by a password that another made: only an own one may be taken.
    pub by_first_password: bool,
    /// Its roles, those held as a deputy today included.
    pub roles: Roles,
    /// How the person showed who he is.
    pub method: Method,
    /// Divisions that the acting authority answers for, each with its descendants.
    pub jurisdiction: Vec<String>,
    /// The session, for log-out.
    pub session: Option<Uuid>,
    /// The key, when the caller is one.
    pub api_key: Option<ByKey>,
    /// Delegations of that key.
    pub delegations: Vec<Delegation>,
    /// Carriers for which the person drives, whatever unit the token names.
    pub drives_for: Vec<Uuid>,
    /// The one-time code, when the person signs without an own device.
    pub by_code: Option<super::one_time::ByCode>,
}

impl Actor {
    /// The unit's id.
    #[must_use]
    pub fn unit_id(&self) -> Option<Uuid> {
        self.unit.as_ref().map(|unit| unit.id)
    }
    /// Whether this actor acts for a verified enterprise.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.unit.as_ref().is_some_and(|unit| unit.is_verified)
    }
    /// Whether this actor is an officer.
    #[must_use]
    pub fn is_officer(&self) -> bool {
        self.unit.as_ref().is_some_and(|unit| unit.kind == UnitKind::Authority)
    }
    /// Under which delegation an API key may sign this act.
    #[must_use]
    pub fn delegation(&self, act: &str) -> Option<&Delegation> {
        self.delegations.iter().find(|delegation| delegation.acts.iter().any(|name| name == act))
    }
    /// As evidence takes it: the signer, who made the code for him, and who lent the device.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let with = self.by_code.as_ref().map(|code| if code.made_by == self.user { code.device_user } else { code.made_by });
        Signer {
            user: self.user,
            membership: self.membership,
            unit: self.unit_id(),
            method: self.method,
            with,
            device_user: self.by_code.as_ref().map(|code| code.device_user),
            api_key: self.api_key.as_ref().map(|key| key.id),
            stands_in_for: None,
        }
    }
    /// As evidence takes an act that an API key signs in a signatory's name: he is the actor, whoever made the key took part.
    #[must_use]
    pub fn signer_under(&self, delegation: &Delegation) -> Signer {
        Signer {
            user: delegation.signatory,
            membership: Some(delegation.membership),
            method: Method::DelegatedKey,
            with: Some(self.user).filter(|maker| *maker != delegation.signatory),
            ..self.signer()
        }
    }
}
