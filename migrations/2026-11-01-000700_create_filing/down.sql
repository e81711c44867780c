DROP TABLE approvals;
DROP TABLE plan_flows;
