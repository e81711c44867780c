//! Which container rides on which vehicle. No clock and no I/O here.

/// A container to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Waste category, `HW08`.
    pub category: String,
    /// Unit: grams.
    pub mass_g: i64,
}

/// A vehicle and what it bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// 核定载质量; without one its limit is not known. Unit: grams.
    pub rated_g: Option<i64>,
}

/// The vehicle of each container, or none where none has room beside what is on it: the heaviest first, each to the first
/// vehicle that bears it and carries nothing with which it may not ride.
#[must_use]
pub fn distribute(loads: &[Load], bearers: &[Bearer], apart: &[(String, String)]) -> Vec<Option<usize>> {
    let may_ride = |a: &str, b: &str| !apart.iter().any(|(x, y)| (x == a && y == b) || (x == b && y == a));
    let mut order: Vec<usize> = (0..loads.len()).collect();
    // Wastes of one category stay together where they can; the order of the request breaks ties.
    order.sort_by(|a, b| {
        let key = |index: &usize| loads.get(*index).map(|load| (load.category.as_str(), std::cmp::Reverse(load.mass_g)));
        key(a).cmp(&key(b)).then(a.cmp(b))
    });
    let mut borne: Vec<(i64, Vec<&str>)> = vec![(0, Vec::new()); bearers.len()];
    let mut placed = vec![None; loads.len()];
    for index in order {
        let Some(load) = loads.get(index) else { continue };
        let fits = |(bearer, (mass_g, categories)): (&Bearer, &(i64, Vec<&str>))| {
            bearer.rated_g.is_none_or(|rated_g| mass_g.saturating_add(load.mass_g) <= rated_g)
                && categories.iter().all(|category| may_ride(category, &load.category))
        };
        let Some(vehicle) = bearers.iter().zip(&borne).position(fits) else { continue };
        if let (Some((mass_g, categories)), Some(place)) = (borne.get_mut(vehicle), placed.get_mut(index)) {
            *mass_g += load.mass_g;
            if !categories.contains(&load.category.as_str()) {
                categories.push(&load.category);
            }
            *place = Some(vehicle);
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(category: &str, mass_g: i64) -> Load {
        Load { category: category.to_owned(), mass_g }
    }

    #[test]
    fn a_vehicle_bears_its_rated_load_and_not_a_gram_more() {
        let loads = [load("HW08", 600), load("HW08", 400)];
        assert_eq!(distribute(&loads, &[Bearer { rated_g: Some(1_000) }], &[]), [Some(0), Some(0)]);
        assert_eq!(distribute(&loads, &[Bearer { rated_g: Some(999) }], &[]), [Some(0), None]);
    }

    #[test]
    fn what_may_not_ride_together_goes_on_two_vehicles_or_not_at_all() {
        let loads = [load("HW08", 1), load("HW34", 1)];
        let apart = [("HW34".to_owned(), "HW08".to_owned())];
        let free = Bearer { rated_g: None };
        assert_eq!(distribute(&loads, &[free.clone(), free.clone()], &apart), [Some(0), Some(1)]);
        assert_eq!(distribute(&loads, &[free], &apart), [Some(0), None]);
    }

    proptest! {
        #[test]
        fn no_vehicle_is_ever_overloaded_or_mixed(
            masses in prop::collection::vec((0usize..3, 1i64..1_000), 0..40),
            rated in prop::collection::vec(1i64..5_000, 1..5),
        ) {
            let names = ["HW08", "HW34", "HW35"];
            let loads: Vec<Load> = masses.iter().map(|(name, mass_g)| load(names[*name], *mass_g)).collect();
            let bearers: Vec<Bearer> = rated.iter().map(|rated_g| Bearer { rated_g: Some(*rated_g) }).collect();
            let apart = [("HW34".to_owned(), "HW35".to_owned())];
            let placed = distribute(&loads, &bearers, &apart);
            for (vehicle, bearer) in bearers.iter().enumerate() {
                let on_it: Vec<&Load> = loads.iter().zip(&placed).filter(|(_, place)| **place == Some(vehicle)).map(|(load, _)| load).collect();
                prop_assert!(on_it.iter().map(|load| load.mass_g).sum::<i64>() <= bearer.rated_g.unwrap());
                prop_assert!(!["HW34", "HW35"].iter().all(|name| on_it.iter().any(|load| load.category == *name)));
            }
        }
    }
}
