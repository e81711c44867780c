//! Routes of vehicles, people's certificates and carriers' permits.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use uuid::Uuid;

use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::acts;
use crate::registry::domain::{CarrierPermitStatement, CertificateStatement, VehicleStatement};
use crate::registry::page::{ListQuery, PageQuery, list, list_of_unit, one};
use crate::registry::store::{self, CarrierPermit, Certificate, Vehicle};

/// Record a vehicle of the caller's unit.
#[utoipa::path(
    tag = "registry", operation_id = "record_vehicle", security(("bearer" = [])), request_body = VehicleStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/vehicles")]
pub async fn record_vehicle(actor: Actor, act: Act<VehicleStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_vehicle(&act.call, &actor, act.body).await?, None))
}

/// Vehicles.
#[utoipa::path(
    tag = "registry", operation_id = "list_vehicles", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Vehicle>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/vehicles")]
pub async fn list_vehicles(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Vehicle>(&app, &actor, store::VEHICLES, "list_vehicles", query.0).await
}

/// The vehicles of any unit: hirers must check them.
#[utoipa::path(
    tag = "registry", operation_id = "list_unit_vehicles", security(("bearer" = [])), params(("unit_id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Vehicle>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units/{unit_id}/vehicles")]
pub async fn list_unit_vehicles(app: web::Data<App>, _actor: Actor, unit: Path<Uuid>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    list_of_unit::<Vehicle>(&app, *unit, store::VEHICLES_OPEN, "list_unit_vehicles", query.0).await
}

/// One vehicle.
#[utoipa::path(
    tag = "registry", operation_id = "get_vehicle", security(("bearer" = [])), params(("vehicle_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Vehicle),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/vehicles/{vehicle_id}")]
pub async fn get_vehicle(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Vehicle>(&app, &actor, store::VEHICLES_OPEN, *id).await
}

/// State a vehicle anew, whole.
#[utoipa::path(
    tag = "registry", operation_id = "change_vehicle", security(("bearer" = [])), request_body = VehicleStatement,
    params(("vehicle_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Changed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/vehicles/{vehicle_id}/change")]
pub async fn change_vehicle(actor: Actor, id: Path<Uuid>, act: Act<VehicleStatement>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::change_vehicle(&act.call, &actor, *id, act.body).await?))
}

/// Take a vehicle out of use from today on.
#[utoipa::path(
    tag = "registry", operation_id = "retire_vehicle", security(("bearer" = [])), request_body = Nothing,
    params(("vehicle_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Retired", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/vehicles/{vehicle_id}/retire")]
pub async fn retire_vehicle(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::retire_vehicle(&act.call, &actor, *id).await?))
}

/// Record the certificate of somebody of the caller's unit.
#[utoipa::path(
    tag = "registry", operation_id = "record_certificate", security(("bearer" = [])), request_body = CertificateStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/certificates")]
pub async fn record_certificate(actor: Actor, act: Act<CertificateStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_certificate(&act.call, &actor, act.body).await?, None))
}

/// People's certificates.
#[utoipa::path(
    tag = "registry", operation_id = "list_certificates", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Certificate>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/certificates")]
pub async fn list_certificates(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Certificate>(&app, &actor, store::CERTIFICATES, "list_certificates", query.0).await
}

/// One certificate.
#[utoipa::path(
    tag = "registry", operation_id = "get_certificate", security(("bearer" = [])), params(("certificate_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Certificate),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/certificates/{certificate_id}")]
pub async fn get_certificate(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Certificate>(&app, &actor, store::CERTIFICATES, *id).await
}

/// Take a certificate out of use from today on.
#[utoipa::path(
    tag = "registry", operation_id = "retire_certificate", security(("bearer" = [])), request_body = Nothing,
    params(("certificate_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Retired", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/certificates/{certificate_id}/retire")]
pub async fn retire_certificate(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::retire_certificate(&act.call, &actor, *id).await?))
}

/// Record the operating permit of the caller's unit as a carrier.
#[utoipa::path(
    tag = "registry", operation_id = "record_carrier_permit", security(("bearer" = [])), request_body = CarrierPermitStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/carrier_permits")]
pub async fn record_carrier_permit(actor: Actor, act: Act<CarrierPermitStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_carrier_permit(&act.call, &actor, act.body).await?, None))
}

/// The operating permits of any carrier: hirers must check them.
#[utoipa::path(
    tag = "registry", operation_id = "list_unit_carrier_permits", security(("bearer" = [])), params(("unit_id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<CarrierPermit>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units/{unit_id}/carrier_permits")]
pub async fn list_unit_carrier_permits(
    app: web::Data<App>,
    _actor: Actor,
    unit: Path<Uuid>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    list_of_unit::<CarrierPermit>(&app, *unit, store::CARRIER_PERMITS_OPEN, "list_unit_carrier_permits", query.0).await
}

/// One operating permit.
#[utoipa::path(
    tag = "registry", operation_id = "get_carrier_permit", security(("bearer" = [])), params(("carrier_permit_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = CarrierPermit),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/carrier_permits/{carrier_permit_id}")]
pub async fn get_carrier_permit(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<CarrierPermit>(&app, &actor, store::CARRIER_PERMITS_OPEN, *id).await
}

/// Take an operating permit out of use from today on.
#[utoipa::path(
    tag = "registry", operation_id = "retire_carrier_permit", security(("bearer" = [])), request_body = Nothing,
    params(("carrier_permit_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Retired", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/carrier_permits/{carrier_permit_id}/retire")]
pub async fn retire_carrier_permit(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::retire_carrier_permit(&act.call, &actor, *id).await?))
}
