//! Wire types and the route of units outside the system (系统外单位). No rule lives here.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::evidence::{ActAnswer, created};
use crate::identity::acts;
use crate::identity::domain::Actor;
use crate::identity::uscc::Uscc;
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::problem::{Problem, ProblemBody};

/// A unit outside the system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalUnitBody {
    /// 统一社会信用代码, 18 characters with a right check digit.
    uscc: Uscc,
    /// 单位名称.
    #[schema(min_length = 2, max_length = 120)]
    name: String,
    /// Country, ISO 3166; a unit is domestic unless it is said to be foreign (境外).
    #[schema(pattern = "^[A-Z]{2}$", example = "CN")]
    #[serde(default = "domestic")]
    country: String,
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

fn domestic() -> String {
    "CN".to_owned()
}

/// Add a partner outside the system.
#[utoipa::path(
    tag = "identity", operation_id = "add_external_unit", security(("bearer" = [])), request_body = ExternalUnitBody, params(ActHeaders, ActMode),
    responses((status = 201, description = "Added", body = ActAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/units:external")]
pub async fn add_external_unit(actor: Actor, act: Act<ExternalUnitBody>) -> Result<HttpResponse, Problem> {
    let ExternalUnitBody { uscc, name, country, division, address, contact_phone } = act.body;
    let unit = acts::UnitFacts { uscc, name, division, address, contact_phone };
    Ok(created(&acts::add_external_unit(&act.call, &actor, unit, country).await?, None))
}
