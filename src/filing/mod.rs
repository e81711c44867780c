//! Filing (申报): what a unit files and an authority decides. So far the flows of the yearly plan and the approvals for
//! another province, as far as a manifest needs them; it gives `PlanInForce` and `ApprovalInForce`. Mass accounts are not
//! kept here: what was moved out under a flow or an approval is counted beside the manifests.

pub mod acts;
mod domain;
pub mod http;
mod lawful;
mod rules;
mod store;

pub use domain::{PlanFlowChange, PlanFlowStatement, approval_valid_to};
pub use lawful::{ApprovalInForce, PlanInForce, approvals_for, plan_flows_for};
