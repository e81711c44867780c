//! Filing (申报): what a unit files and an authority decides: the yearly plan and its flows, declarations, approvals for another
//! province, notices, papers, and the files that these name. It gives `PlanInForce` and `ApprovalInForce`. Mass accounts are
//! not kept here: what was moved out under a flow or an approval is counted beside the manifests.
//!
//! Invariants: what was filed stays as it was sealed, a later filing is a revision; our own id is never called 备案编号; a plan
//! is in force when it is filed, and nobody approves it.

pub mod acts;
mod domain;
pub mod http;
mod lawful;
mod rules;
mod store;
mod ways;

pub use acts::attachment::{Named, attach};
pub use acts::plan::{Wanted, change_ready};
pub use domain::record::{SolidWasteCode, TransferPurpose};
pub use domain::{PlanFlowChange, PlanFlowStatement, approval_valid_to};
pub use lawful::{
    ApprovalInForce, ExportInForce, GeneralTransferInForce, PlanInForce, approvals_for, export_for, general_transfer_for, plan_flows_for,
};
pub use ways::planned_methods;
