//! How each story goes, step by step. No clock and no I/O here.

use chrono::Duration;
use serde_json::json;

use super::{Kind, Load};
use crate::demo::cast::{STREAMS, Way, c, carriers, g, r};
use crate::demo::script::at;
use crate::platform::clock::rfc3339;

impl Load<'_> {
    pub(super) fn play(&mut self, kind: Kind) {
        match kind {
            Kind::Treated | Kind::SeveralLines | Kind::OtherProvince => {
                self.bring_in();
                self.confirm();
                self.treat();
            }
            Kind::AtTheGate => self.at_the_gate(),
            Kind::OnOneDevice => self.on_one_device(),
            Kind::OneLorry => self.one_lorry(),
            Kind::PartAndReturn | Kind::RefusedAndReturned | Kind::SentOn => self.refuse_and_send_on(kind),
            Kind::Cancelled => {
                self.issue();
                self.wait(180);
                let (who, reason) = (self.plant("clerk"), *self.random.one(&["产量不足，改期转移", "车辆临时检修", "信息填写有误，重新提交"]));
                self.act(&who, "cancel", json!({ "reason": reason }));
            }
            Kind::LateConfirmation => {
                self.bring_in();
                // Longer than five working days whatever holidays lie between.
                self.wait_days(17);
                self.confirm();
                self.treat();
            }
            Kind::Skipped | Kind::SkippedAndSignedLate | Kind::OpenSkipped => self.skipped(kind),
            Kind::ExternalCarrier => self.external_carrier(),
            Kind::Discrepancy => {
                self.bring();
                let net = self.released_g.iter().sum::<i64>() * self.random.from(88, 95) / 100 - 30_000;
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Breakdown | Kind::BreakdownSameCarrier => self.breakdown(kind),
            Kind::NotReceived => {
                self.bring();
                self.wait(10);
                let (who, reason) = (self.works("weigher"), *self.random.one(&["closed", "breakdown", "weather"]));
                self.act(&who, "not_received", json!({ "reason": reason, "note": "次日再来" }));
                self.wait_days(1);
                self.finish();
            }
            Kind::Voided => {
                self.bring_in();
                self.wait_days(2);
                self.act("jinpu-inspector", "void", json!({ "reason": "联单重复填报，经现场核查作废" }));
            }
            Kind::OwnCorrection => {
                self.issue();
                self.wait(12);
                let (who, packages) = (self.plant("clerk"), self.random.from(2, 9));
                let change = json!({ "part": "consignment", "part_no": 1, "pointer": "/lines/0/packages", "value": packages });
                self.act(&who, "correct", json!({ "changes": [change], "reason": "包装数量录入有误" }));
                self.assign();
                self.release("scale");
                self.take_over();
                self.finish();
            }
            Kind::TwoVoices | Kind::OpenCorrection => {
                self.bring_in();
                self.confirm();
                self.wait(60);
                let who = self.works("signatory");
                let change = json!({ "part": "verdict", "part_no": 1, "pointer": "/lines/0/note", "value": "含水率偏高，已与移出单位核对" });
                self.act(&who, "correct", json!({ "changes": [change], "reason": "补充接受意见说明" }));
                if kind == Kind::TwoVoices {
                    self.wait_days(1);
                    let who = self.plant("signatory");
                    self.act(&who, "agree", json!({}));
                    self.treat();
                }
            }
            Kind::BackEntered => self.back_entered(),
            Kind::Incident => {
                self.issue();
                self.assign();
                self.release("scale");
                self.take_over();
                self.wait(30);
                let who = self.driver();
                self.act(&who, "report_incident", json!({ "kind": "leak", "place": "演示高速 12 公里处，一桶渗漏，已围堵" }));
                self.finish();
            }
            Kind::DispatcherSigns => {
                self.issue();
                self.assign();
                self.release("scale");
                self.wait(20);
                let (who, plate) = (self.haulier("dispatcher"), self.plate());
                let body = json!({ "plate": plate, "instead_of_driver": "驾驶员手机没电，电话确认" });
                self.act(&who, "take_over", body.clone());
                self.wait(90);
                self.act(&who, "arrive", body);
                let net = self.net();
                self.weigh(net);
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::Withdrawn | Kind::DriverRefuses => {
                self.issue();
                self.assign();
                self.release("scale");
                self.wait(15);
                let (who, act, reason) = if kind == Kind::Withdrawn {
                    (self.plant("signatory"), "withdraw", "装车后发现标签有误，重新交付")
                } else {
                    (self.driver(), "refuse_take_over", "包装破损，不具备运输条件")
                };
                self.act(&who, act, json!({ "reason": reason }));
                self.release("scale");
                self.take_over();
                self.finish();
            }
            Kind::OtherTruck => {
                self.issue();
                self.assign();
                self.wait(10);
                self.truck = (self.truck + 1) % 3;
                self.assign();
                self.release("scale");
                self.take_over();
                self.finish();
            }
            Kind::Estimated => {
                self.issue();
                self.assign();
                self.release("estimated");
                self.take_over();
                self.arrive();
                self.receive();
                self.confirm();
                self.treat();
            }
            Kind::OpenIssued => self.issue(),
            Kind::OpenAssigned => {
                self.issue();
                self.assign();
            }
            Kind::OpenOffered => {
                self.issue();
                self.assign();
                self.release("scale");
            }
            Kind::OpenOnTheRoad => {
                self.issue();
                self.assign();
                self.release("scale");
                self.take_over();
            }
            Kind::OpenArrived => self.bring(),
            Kind::OpenReceived => self.bring_in(),
            Kind::OpenConfirmed => {
                self.bring_in();
                self.confirm();
            }
            Kind::OpenRefused | Kind::OpenPart => {
                self.bring_in();
                self.refuse(kind == Kind::OpenPart);
            }
            Kind::OpenReturn => {
                self.bring_in();
                self.refuse(false);
                self.send_on("return", None);
            }
        }
    }

    /// Weighed, received and confirmed in one call, the signatory at the gate.
    fn at_the_gate(&mut self) {
        self.bring();
        self.wait(8);
        let net = self.net();
        let (who, weigh) = (self.works("gate"), self.weigh_body(net));
        self.act(&who, "gate", json!({ "weigh": weigh, "receive": {}, "confirm": {} }));
        self.treat();
    }

    /// The straight way from the road to the treatment.
    fn finish(&mut self) {
        self.arrive();
        let net = self.net();
        self.weigh(net);
        self.receive();
        self.confirm();
        self.treat();
    }

    /// Released and taken over on one device at the loading place.
    fn on_one_device(&mut self) {
        self.issue();
        self.assign();
        self.wait(60);
        let (who, release, plate) = (self.plant("signatory"), self.release_body("scale"), self.plate());
        let body = json!({ "release": release, "take_over": { "plate": plate }, "driver_token": format!("$token:{}", self.driver()) });
        self.act(&who, "load", body);
        self.finish();
    }

    /// Three plants, one lorry, one weighing that is shared over all.
    fn one_lorry(&mut self) {
        let receiver = self.receiver;
        let stops: Vec<(String, Way)> = self
            .cast
            .generators
            .iter()
            .enumerate()
            .filter_map(|(index, generator)| generator.ways.iter().find(|way| way.receiver == receiver).map(|way| (g(index), *way)))
            .take(6)
            .collect();
        let (truck, driver) = (self.truck, self.driver);
        let mut loads: Vec<(String, String, i64)> = Vec::new();
        let mut shared = String::new();
        for (consignor, way) in stops.into_iter().take(3) {
            (self.consignor, self.ways, self.truck, self.driver) = (consignor, vec![way], truck, driver);
            self.declared_g = vec![self.random.from(50, 350) * 10_000];
            self.issue();
            self.wait(20);
            let mut trip = self.trip();
            if shared.is_empty() {
                shared = self.trip_name();
            } else {
                trip["trip_id"] = json!(format!("${shared}"));
            }
            let who = self.haulier("dispatcher");
            let name = self.trip_name();
            self.assign_with(&who, trip, name);
            self.release("scale");
            self.take_over();
            loads.push((self.name.clone(), self.consignor.clone(), self.released_g[0]));
        }
        let mut first = true;
        for (name, consignor, _) in &loads {
            (self.name, self.consignor) = (name.clone(), consignor.clone());
            if first {
                self.arrive();
            } else {
                self.wait(1);
                let (who, plate) = (self.driver(), self.plate());
                self.act(&who, "arrive", json!({ "plate": plate }));
            }
            first = false;
        }
        let net = loads.iter().map(|(_, _, grams)| grams).sum::<i64>() + 8_000;
        self.weigh(net);
        for (name, consignor, _) in &loads {
            (self.name, self.consignor) = (name.clone(), consignor.clone());
            self.receive();
        }
        for (name, consignor, _) in loads {
            (self.name, self.consignor) = (name, consignor);
            self.confirm();
        }
    }

    fn refuse(&mut self, part: bool) {
        self.wait(100);
        let who = self.works("signatory");
        let reason = *self.random.one(&["packaging_or_label", "differs_from_manifest", "no_capacity"]);
        let line = if part {
            json!({ "line": 1, "decision": "part", "accepted_g": self.released_g[0] / 2, "reasons": [reason], "note": "部分包装破损" })
        } else {
            json!({ "line": 1, "decision": "none", "reasons": [reason], "note": "与联单不符，不予接受" })
        };
        self.act(&who, "confirm", json!({ "lines": [line] }));
    }

    /// Makes the linked manifest and goes on with it.
    fn send_on(&mut self, kind: &str, to: Option<usize>) {
        self.wait_days(1);
        let (now, who, on) = (self.now, self.works("signatory"), self.name.clone());
        let mut body = json!({
            "kind": kind, "carrier_id": format!("$unit:{}", c(self.carrier)), "consignor_agreed": "电话确认，已存录音", "planned_departure_on": self.day,
            "planned_receipt_on": self.day,
        });
        if let Some(to) = to {
            body["receiver_site_id"] = json!(format!("$site:{}", r(to)));
        }
        let next = self.name_next();
        self.script.act(now, &who, "manifests", &on, "send_on", body).binds = vec![("/done/1/subject_id", next.clone())];
        self.name = next;
    }

    fn refuse_and_send_on(&mut self, kind: Kind) {
        self.bring_in();
        let part = kind == Kind::PartAndReturn;
        self.refuse(part);
        let holder = self.works("signatory");
        let source = self.name.clone();
        let to = match kind {
            Kind::SentOn => STREAMS[self.ways[0].stream].takers.iter().copied().find(|one| *one != self.receiver && *one != 10),
            _ => None,
        };
        self.send_on(if to.is_some() { "re_consignment" } else { "return" }, to);
        self.assign();
        self.wait(30);
        let line = json!({ "line": 1, "released_g": format!("$refused:{source}:0"), "basis": "scale" });
        self.act(&holder, "release", json!({ "lines": [line] }));
        self.take_over();
        self.arrive();
        match to {
            Some(to) => {
                self.receiver = to;
                self.receive();
                self.confirm();
                self.treat();
            }
            None => {
                // Home again: the plant's own people receive.
                self.wait(10);
                let (weigher, signatory) = (self.plant("weigher"), self.plant("signatory"));
                self.act(&weigher, "receive", json!({}));
                self.wait(30);
                self.act(&signatory, "confirm", json!({}));
            }
        }
    }

    /// The receiver did not wait for the driver's signatures.
    fn skipped(&mut self, kind: Kind) {
        self.issue();
        self.assign();
        self.release("scale");
        let taken = self.now + Duration::minutes(12);
        self.wait(150);
        let net = self.net();
        self.weigh(net);
        self.wait(4);
        let who = self.works("weigher");
        self.act(&who, "receive", json!({ "skip_reason": "驾驶员手机没电，先入厂" }));
        if kind == Kind::OpenSkipped {
            return;
        }
        self.confirm();
        if kind == Kind::SkippedAndSignedLate {
            self.wait_days(1);
            let (who, plate) = (self.driver(), self.plate());
            self.act(&who, "sign_late", json!({ "plate": plate, "happened_at": rfc3339(taken), "reason": "前一日手机没电" }));
            self.wait(2);
            self.act(&who, "sign_late", json!({ "plate": plate, "happened_at": rfc3339(taken + Duration::minutes(95)), "reason": "前一日手机没电" }));
        }
        self.treat();
    }

    /// A carrier outside the system: nobody of it signs, and the lorry is let in all the same.
    fn external_carrier(&mut self) {
        let (now, who, mut body) = (self.now, self.plant("clerk"), self.manifest());
        body["carrier_id"] = json!("$unit:x01");
        self.name = self.name_next();
        self.script.make(now, &who, "/manifests:issue", body, vec![("/done/0/subject_id", self.name.clone())]);
        self.wait(300);
        let (weigher, grams) = (self.works("weigher"), self.declared_g[0]);
        self.act(&weigher, "receive", json!({ "masses": [{ "line": 1, "mass_g": grams }], "skip_reason": "承运单位在系统外，凭纸质记录入厂" }));
        self.confirm();
        self.treat();
    }

    /// The lorry breaks down; another one, also of another carrier, takes the load.
    fn breakdown(&mut self, kind: Kind) {
        self.issue();
        self.assign();
        self.release("scale");
        self.take_over();
        self.wait(40);
        let giver = self.driver();
        if kind == Kind::Breakdown {
            self.carrier = (self.carrier + 1) % carriers();
        } else {
            self.truck = (self.truck + 1) % 3;
        }
        let (trip, on, now, carrier) = (self.trip(), self.name.clone(), self.now, c(self.carrier));
        let body = json!({ "reason": "车辆故障，途中换车", "carrier_id": format!("$unit:{carrier}"), "trip": trip });
        let name = self.trip_name();
        self.script.act(now, &giver, "manifests", &on, "hand_over", body).binds = vec![("/done/0/result/facts/next_trip_id", name)];
        self.wait(50);
        self.take_over();
        self.finish();
    }

    /// The network was down: paper first, entered afterwards.
    fn back_entered(&mut self) {
        let released_at = at(self.day, 9, 30);
        let manifest = self.manifest();
        let trip = self.trip();
        self.wait_days(3);
        let (now, who) = (self.now, self.plant("clerk"));
        self.name = self.name_next();
        let body = json!({
            "manifest": manifest, "paper_no": format!("ZZ{:05}", self.made), "reason": "当日网络中断", "trip": trip, "released_at": rfc3339(released_at),
            "arrived_at": rfc3339(released_at + Duration::minutes(95)), "received_at": rfc3339(released_at + Duration::minutes(110)),
        });
        self.script.make(now, &who, "/manifests:back_enter", body, vec![("/done/0/subject_id", self.name.clone())]);
        self.confirm();
        self.treat();
    }
}
