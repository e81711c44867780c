//! Every route in one list: [`mount`] serves it and [`openapi`] prints it, so the two cannot differ.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, get, web};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

use crate::identity::auth::authenticate;
use crate::platform::app::App;
use crate::platform::mass;
use crate::platform::problem::{Kind, Problem, ProblemBody, kinds};
use crate::platform::respond::unrouted;
use crate::platform::shape::FormatCheck;
use crate::platform::table::export;
use crate::{catalogue, evidence, exchange, filing, identity, ledger, manifest, platform, registry};

macro_rules! routes {
    (api: [$($api:path),* $(,)?], root: [$($root:path),* $(,)?] $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(paths($($api),*))]
        struct Api;

        #[derive(OpenApi)]
        #[openapi(paths($($root),*), components(schemas(ProblemBody)))]
        struct Root;

        fn mount_api(config: &mut web::ServiceConfig) {
            $(config.service($api);)*
        }
        fn mount_root(config: &mut web::ServiceConfig) {
            $(config.service($root);)*
        }
    };
}

routes! {
    api: [
        identity::http::create_session, identity::http::switch_session, identity::http::refresh_session, identity::http::delete_session,
        identity::http::get_me, identity::http::change_secret, identity::http::register_unit, identity::http::find_units,
        identity::http::get_unit, identity::http::verify_unit, identity::http::external::add_external_unit, identity::http::add_authority,
        identity::http::add_user, identity::http::list_memberships, identity::http::end_membership,
        identity::http::invitations::invite, identity::http::invitations::list_invitations,
        identity::http::invitations::accept_invitation, identity::http::invitations::end_invitation,
        identity::http::set_roles, identity::http::name_deputy, identity::http::add_api_key, identity::http::list_api_keys,
        identity::http::revoke_api_key, identity::http::delegate_signing, identity::http::delegations::list_signing_delegations,
        identity::http::delegations::end_signing_delegation, identity::http::deputies::list_deputies, identity::http::deputies::end_deputy,
        identity::http::sessions::list_sessions, identity::http::sessions::end_session, identity::http::reset_password,
        catalogue::http::find_waste_codes, catalogue::http::get_waste_code, catalogue::http::list_methods, catalogue::http::list_divisions,
        catalogue::http::get_legal_article, catalogue::http::list_exemptions, catalogue::http::find_penalties, catalogue::http::get_calendar,
        catalogue::http::list_editions, catalogue::http::list_parameters, catalogue::http::set_parameter, catalogue::http::load_incompatible_pairs,
        catalogue::http::list_incompatible_pairs,
        registry::http::site::record_site, registry::http::site::record_external_site, registry::http::site::list_sites, registry::http::site::get_site, registry::http::site::change_site,
        registry::http::site::decide_class, registry::http::site::record_facility, registry::http::site::list_facilities,
        registry::http::site::get_facility, registry::http::site::give_closure, registry::http::site::list_closures,
        registry::http::site::get_closure, registry::http::site::end_closure, registry::http::licence::record_licence,
        registry::http::licence::list_licences, registry::http::licence::list_unit_licences, registry::http::licence::get_licence,
        registry::http::licence::verify_licence, registry::http::licence::withdraw_licence, registry::http::licence::record_exempt_receiver,
        registry::http::licence::list_exempt_receivers, registry::http::licence::list_unit_exempt_receivers,
        registry::http::licence::get_exempt_receiver, registry::http::licence::verify_exempt_receiver, registry::http::transport::record_vehicle,
        registry::http::transport::list_vehicles, registry::http::transport::list_unit_vehicles, registry::http::transport::get_vehicle,
        registry::http::transport::change_vehicle, registry::http::transport::retire_vehicle, registry::http::transport::record_certificate,
        registry::http::transport::list_certificates, registry::http::transport::get_certificate, registry::http::transport::retire_certificate,
        registry::http::transport::record_carrier_permit, registry::http::transport::list_unit_carrier_permits,
        registry::http::transport::get_carrier_permit, registry::http::transport::retire_carrier_permit, registry::http::contract::record_contract,
        registry::http::contract::list_contracts, registry::http::contract::get_contract, registry::http::contract::end_contract,
        ledger::http::record_entry, ledger::http::record_entries, ledger::http::correct_entry, ledger::http::list_entries, ledger::http::get_entry,
        ledger::http::get_balance, ledger::http::list_breaks, ledger::http::register_containers, ledger::http::list_containers,
        ledger::http::get_container, ledger::http::retire_container, ledger::http::send_empties, ledger::http::receive_empties,
        ledger::http::list_custody_notes, ledger::http::get_custody_note, ledger::http::list_fillings, ledger::http::get_filling, ledger::http::print_labels, ledger::http::print_ledger,
        filing::http::record_plan_flow, filing::http::list_plan_flows, filing::http::get_plan_flow, filing::http::change_plan_flow,
        filing::http::plan::create_plan, filing::http::plan::copy_plan, filing::http::plan::list_plans, filing::http::plan::get_plan,
        filing::http::plan::put_plan, filing::http::plan::delete_plan, filing::http::plan::check_plan, filing::http::plan::file_plan,
        filing::http::plan::change_plan, filing::http::plan::acknowledge_plan, filing::http::plan::comment_plan,
        filing::http::attachment::upload_attachment, filing::http::attachment::get_attachment,
        filing::http::declaration::draft_declaration, filing::http::declaration::list_declaration_duties,
        filing::http::declaration::file_declaration, filing::http::declaration::list_declarations, filing::http::declaration::get_declaration,
        filing::http::declaration::restate_declaration, filing::http::declaration::acknowledge_declaration,
        filing::http::declaration::name_filing_agent, filing::http::declaration::list_filing_agents, filing::http::declaration::get_filing_agent,
        filing::http::declaration::end_filing_agent,
        filing::http::application::record_application, filing::http::application::list_applications, filing::http::application::get_application,
        filing::http::application::record_application_step, filing::http::application::decide_application,
        filing::http::application::withdraw_application,
        filing::http::record::record_paper, filing::http::record::list_papers, filing::http::record::get_paper, filing::http::record::retire_paper,
        filing::http::record::record_export_notice, filing::http::record::list_export_notices, filing::http::record::get_export_notice,
        filing::http::record::record_general_transfer, filing::http::record::list_general_transfers, filing::http::record::get_general_transfer,
        filing::http::record_approval, filing::http::list_approvals, filing::http::get_approval, filing::http::verify_approval,
        manifest::http::assign_manifest, manifest::http::release_manifest, manifest::http::withdraw_manifest, manifest::http::take_over_manifest, manifest::http::refuse_take_over_manifest, manifest::http::hand_over_manifest, manifest::http::arrive_manifest, manifest::http::not_receive_manifest, manifest::http::sign_late_manifest, manifest::http::receive_manifest, manifest::http::confirm_manifest, manifest::http::treat_manifest, manifest::http::gate_manifest, manifest::http::send_on_manifest, manifest::http::turn_back_manifest, manifest::http::cancel_manifest, manifest::http::void_manifest, manifest::http::report_incident, manifest::http::acknowledge_incident, manifest::http::report_discrepancy, manifest::http::acknowledge_discrepancy, manifest::http::record_official_no, manifest::http::fate::check_fate, manifest::http::fate::list_untreated, manifest::http::prepare::prepare_manifests, manifest::http::prepare::issue_manifests, manifest::http::correct_manifest, manifest::http::agree_manifest, manifest::http::disagree_manifest, manifest::http::issue_manifest, manifest::http::issue_manifest_like, manifest::http::back_enter_manifest, manifest::http::load_manifest, manifest::http::confirm_manifests, manifest::http::weigh_trip, manifest::http::strike_weighing, manifest::http::get_trip, manifest::http::list_manifests, manifest::http::get_manifest, manifest::http::list_next_acts, manifest::http::list_manifest_events, manifest::http::get_manifest_evidence, manifest::http::create_draft, manifest::http::list_drafts, manifest::http::get_draft, manifest::http::put_draft, manifest::http::delete_draft, manifest::http::issue_draft, manifest::http::list_events,
        manifest::http::list_incidents, manifest::http::list_access_log,
        manifest::http::list_outages,
        manifest::http::open_outage,
        manifest::http::close_outage,
        manifest::http::make_one_time_code,
        manifest::http::duplicate_manifest,
        manifest::http::get_manifest_sheet, manifest::http::get_dispatch_sheet, manifest::http::get_manifest_token, manifest::http::print_blank_manifests,
        exchange::http::get_import_template, exchange::http::import_table, exchange::http::list_jobs, exchange::http::get_job,
        exchange::http::follow_job, exchange::http::get_job_file,
    ],
    root: [evidence::http::list_keys, manifest::http::look_at_token, get_problem_kind, get_live, get_ready],
}

/// Serves every route.
pub fn mount(config: &mut web::ServiceConfig) {
    mount_root(config);
    config.service(web::scope("/api/v1").wrap(from_fn(authenticate)).configure(mount_api).default_service(web::to(unrouted)));
    config.service(web::redirect("/docs", "/docs/"));
    config.service(utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").url("/api-spec/openapi.json", openapi()));
    config.default_service(web::to(unrouted));
}

/// The contract as a document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Root::openapi().nest("/api/v1", Api::openapi());
    document.info.title = "Liandan 联单".into();
    document.info.version = env!("CARGO_PKG_VERSION").into();
    document.info.description = Some("Waste transfer manifests (危险废物转移联单). Masses are integer grams; times are RFC 3339 in UTC.".into());
    document
        .components
        .get_or_insert_with(Default::default)
        .add_security_scheme("bearer", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    complete(&mut document);
    document
}

/// Says what holds for every act, so that no handler can forget it: check mode answers 200 with what would be, and a
/// body in which nothing is demanded may be left out.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    let components = document.components.clone().unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().filter_map(Option::as_mut) {
            let has_mode = operation
                .parameters
                .iter()
                .flatten()
                .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "mode" && parameter.required != Required::True));
            if has_mode {
                answer_check_mode(operation);
            }
            let has_format =
                operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "format"));
            if has_format {
                answer_as_file(operation);
            }
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && body.content.values().all(|content| demands_nothing(content, &components))
            {
                body.required = Some(Required::False);
            }
        }
    }
}

fn answer_check_mode(operation: &mut Operation) {
    let check = || RefOr::Ref(Ref::from_schema_name("CheckAnswer"));
    let ok = operation.responses.responses.entry("200".into()).or_insert_with(|| {
        let content = ContentBuilder::new().schema(Some(check())).build();
        RefOr::T(ResponseBuilder::new().description("Check mode").content("application/json", content).build())
    });
    let RefOr::T(response) = ok else { return };
    for content in response.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(done) = content.schema.take()
        {
            let both = |done| RefOr::T(Schema::OneOf(OneOfBuilder::new().item(done).item(check()).build()));
            content.schema = Some(if done == check() { done } else { both(done) });
        }
    }
}

/// A list that can be had as a file says so in its answer.
fn answer_as_file(operation: &mut Operation) {
    if let Some(RefOr::T(ok)) = operation.responses.responses.get_mut("200") {
        for kind in ["text/csv", export::XLSX] {
            let schema = Schema::Object(ObjectBuilder::new().schema_type(Type::String).build());
            ok.content.insert(kind.to_owned(), RefOr::T(ContentBuilder::new().schema(Some(RefOr::T(schema))).build()));
        }
    }
}

/// Whether an empty object will do; an empty body is read as one.
fn demands_nothing(content: &RefOr<Content>, components: &Components) -> bool {
    let RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) = content else { return false };
    let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
    matches!(components.schemas.get(name), Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
}

/// The contract as it is printed into `api-spec/openapi.json`.
///
/// # Errors
/// Never in practice; a document that cannot be written.
pub fn printed() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&openapi()).map(|text| text + "\n")
}

/// The checks behind the contract's formats, so that a wrong check digit gets its own place and sentence.
#[must_use]
pub fn formats() -> Vec<FormatCheck> {
    let mut all = vec![identity::uscc::FORMAT];
    all.extend(mass::FORMATS);
    all.extend(catalogue::code::FORMATS);
    all.push(registry::plate::FORMAT);
    all.extend(ledger::codes::FORMATS);
    all.extend(manifest::number::FORMATS);
    all
}

/// Every kind of problem, for the pages under `/problems`.
#[must_use]
pub fn problem_kinds() -> Vec<&'static Kind> {
    let mut all: Vec<&'static Kind> = kinds::ALL.to_vec();
    all.extend(platform::table::KINDS.iter());
    all.extend(identity::acts::KINDS.iter());
    all.push(&identity::auth::FIRST_PASSWORD);
    all.push(&identity::one_time::OWN_CODE);
    all.extend(catalogue::acts::KINDS.iter());
    all.extend(registry::acts::KINDS.iter());
    all.extend(ledger::KINDS.iter());
    all.extend(filing::acts::kinds());
    all.extend(manifest::refusal::KINDS.iter());
    all.extend(manifest::corrections::KINDS.iter());
    all.extend(manifest::acts::ending::KINDS.iter());
    all.extend(manifest::incidents::KINDS.iter());
    all.extend(manifest::discrepancies::KINDS.iter());
    all.extend(exchange::KINDS.iter());
    all.extend(manifest::table::REQUIREMENTS.iter().map(|rule| &rule.kind));
    all.push(&evidence::NUMBERS_EXHAUSTED);
    all
}

/// A page that explains a kind of problem.
#[utoipa::path(
    tag = "platform", operation_id = "get_problem_kind", params(("code" = String, Path)),
    responses((status = 200, description = "The kind, in both languages", body = String, content_type = "text/html"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/problems/{code}")]
pub async fn get_problem_kind(code: web::Path<String>) -> Result<HttpResponse, Problem> {
    let kind = problem_kinds().into_iter().find(|kind| kind.code == code.as_str()).ok_or_else(Problem::not_found)?;
    let page = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>{code}</title><h1>{zh}</h1><p lang=\"en\">{en}</p><p>HTTP {status} · <code>{code}</code></p>",
        code = kind.code,
        zh = kind.zh,
        en = kind.en,
        status = kind.status
    );
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page))
}

/// State of the process.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`.
    state: &'static str,
}

/// Whether the process runs.
#[utoipa::path(tag = "platform", operation_id = "get_live", responses((status = 200, description = "It runs", body = Health)))]
#[get("/health/live")]
pub async fn get_live() -> HttpResponse {
    HttpResponse::Ok().json(Health { state: "ok" })
}

/// Whether the process can serve: it reaches its database.
#[utoipa::path(
    tag = "platform", operation_id = "get_ready",
    responses((status = 200, description = "It can serve", body = Health),
        (status = 503, description = "It cannot reach its database", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/health/ready")]
pub async fn get_ready(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    use diesel_async::RunQueryDsl;
    let mut conn = app.db.get().await?;
    crate::platform::db::Sql("SELECT 1").execute(&mut conn).await.map_err(|_| Problem::busy())?;
    Ok(HttpResponse::Ok().json(Health { state: "ok" }))
}
