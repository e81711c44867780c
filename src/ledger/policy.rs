//! Who keeps a ledger.

use uuid::Uuid;

use crate::identity::{Actor, Role, UnitKind};
use crate::platform::problem::{Problem, kinds};

/// The unit whose ledger an actor keeps: its clerk, signatory or administrator. A unit that no officer has verified yet keeps
/// one too: the duty does not wait for us.
///
/// # Errors
/// 403.
pub fn keeps_ledger(actor: &Actor) -> Result<Uuid, Problem> {
    let forbidden = || Problem::of(&kinds::FORBIDDEN);
    let unit = actor.unit.as_ref().filter(|unit| unit.kind == UnitKind::Enterprise).ok_or_else(forbidden)?;
    let may = [Role::Clerk, Role::Signatory, Role::UnitAdmin].into_iter().any(|role| actor.roles.has(role));
    if may { Ok(unit.id) } else { Err(forbidden()) }
}
