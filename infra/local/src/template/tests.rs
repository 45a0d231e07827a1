use super::*;

const MINIMAL: &str = r#"
Parameters:
  Workers: { Type: Number, Default: 2, AllowedValues: [1, 2] }
  Domain: { Type: String, Default: "" }
Conditions:
  HasDomain: !Not [!Equals [!Ref Domain, ""]]
  Two: !Or [!Equals [!Ref Workers, 2], !Condition HasDomain]
  Plain: !And [!Condition Two, !Not [!Condition HasDomain]]
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: { DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 9 } }
  Extra:
    Type: AWS::SQS::Queue
    Condition: HasDomain
  Role:
    Type: AWS::IAM::Role
    Properties: { Policies: [] }
  Job:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: job } }
    Properties:
      Role: !GetAtt Role.Arn
      Timeout: 7
      Environment: { Variables: { TEXT: SUBJECT } }
      Events:
        On: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(5 minutes), State: !If [Plain, ENABLED, DISABLED], Input: !Sub '{"of":${Workers}}' } }
        Off: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 hour), State: !If [HasDomain, ENABLED, DISABLED], Input: "{}" } }
        Get: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: "/x/{y}", PayloadFormatVersion: "2.0" } }
"#;

fn parse(subject: &str, parameters: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    template(&MINIMAL.replace("SUBJECT", subject), &Scope::new(parameters.collect()))
}

fn text(subject: &str) -> String {
    parse(subject, &[]).unwrap().functions["job"].environment["TEXT"].clone()
}

fn complaint(subject: &str) -> String {
    parse(subject, &[]).unwrap_err().to_string()
}

#[test]
fn intrinsic_functions_give_what_aws_would() {
    assert_eq!(text("!Ref Workers"), "2");
    assert_eq!(
        text("!Sub \"${Workers}/${!literal}/${Role.Arn}/${AWS::Region}\""),
        "2/${literal}/arn:aws:iam::000000000000:role/Role/local-1"
    );
    assert_eq!(text("!If [Two, yes-two, no]"), "yes-two");
    assert_eq!(text("!Join [\"-\", [a, !Ref Workers]]"), "a-2");
    assert_eq!(text("{ \"Fn::Sub\": \"${Workers}\" }"), "2");
}

#[test]
fn a_condition_switches_schedules_and_resources() {
    let plain = parse("x", &[]).unwrap();
    let with_domain = parse("x", &[("Domain", "cars.example.com")]).unwrap();

    let schedules = |template: &Template| {
        template.functions["job"].schedules.iter().map(|s| s.every.as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(schedules(&plain), [300]);
    assert_eq!(plain.functions["job"].schedules[0].input, json!({"of": 2}));
    assert_eq!(schedules(&with_domain), [3600]);
    assert_eq!((plain.queues.len(), with_domain.queues.len()), (0, 1));
}

#[test]
fn a_mistake_is_one_clear_line_that_says_where() {
    let job = "the template is wrong at Resources.Job.Properties.Environment.Variables.TEXT: ";

    assert_eq!(complaint("!Ref Nobody"), format!("{job}there is no Nobody"));
    assert_eq!(complaint("!GetAtt Role.Colour"), format!("{job}there is no Role.Colour"));
    assert_eq!(complaint("!Ref Extra"), format!("{job}there is no Extra"));
    assert_eq!(complaint("!Select [0, [a]]"), format!("{job}Select is not known here"));
    assert_eq!(complaint("!If [Two, a]"), format!("{job}expected a list of 3"));
    assert_eq!(
        parse("x", &[("Workers", "3")]).unwrap_err().to_string(),
        "the parameter Workers: expected one of 1, 2"
    );
    assert_eq!(
        parse("x", &[("Wrokers", "1")]).unwrap_err().to_string(),
        "there is no parameter Wrokers; there are Domain, Workers"
    );
}

#[test]
fn conditions_in_a_circle_are_found() {
    let source = MINIMAL
        .replace("HasDomain: !Not [!Equals [!Ref Domain, \"\"]]", "HasDomain: !Condition Two");

    let error = template(&source, &Scope::new(BTreeMap::new())).unwrap_err();

    assert!(error.to_string().ends_with("refers to itself"), "{error}");
}

fn bundled() -> Template {
    let parameters = [("PublicUrl", "http://127.0.0.1:8080"), ("OperatorName", "Test")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Template::bundled(&Scope::new(parameters.into())).unwrap()
}

#[test]
fn the_bundled_template_gives_nine_functions_with_what_wakes_them() {
    let template = bundled();

    let wakes: Vec<_> = template
        .functions
        .iter()
        .map(|(name, function)| {
            let routes: Vec<_> = function.routes.iter().map(Route::key).collect();
            (name.as_str(), routes, function.schedules.len(), function.mappings.len())
        })
        .collect();
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        wakes,
        [
            ("act", vec![], 1, 1),
            ("api", keys(&["ANY /v1/{proxy+}"]), 0, 0),
            (
                "callback",
                keys(&["GET /callback", "GET /callback/{brand}", "GET /result/{outcome}"]),
                0,
                0
            ),
            ("deliver", vec![], 1, 1),
            ("digest", vec![], 1, 1),
            ("fetch", vec![], 1, 0),
            ("login", keys(&["GET /icon.svg", "GET /login", "GET /start", "GET /style.css"]), 0, 0),
            ("notify", keys(&["POST /notifications/{address}"]), 0, 0),
            ("refresh", vec![], 1, 0),
        ]
    );
    assert_eq!(template.functions["login"].environment["GRANTS_TABLE"], "Grants");
    assert_eq!(template.functions["refresh"].timeout, Duration::from_mins(2));
}

#[test]
fn what_the_internet_reaches_may_neither_touch_grants_nor_read_the_makers_secret() {
    let template = bundled();
    let grants = &template.tables["Grants"].arn;
    let (maker, _) = template.secrets.iter().find(|(_, secret)| secret.name == "maker").unwrap();

    for name in ["login", "api", "notify"] {
        let policy = &template.functions[name].policy;
        for action in
            ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        {
            assert!(!policy.allows(action, grants, &[]), "{name} {action}");
            assert!(!policy.allows(action, &format!("{grants}/index/due"), &[]), "{name} {action}");
        }
        assert!(!policy.allows("secretsmanager:GetSecretValue", maker, &[]), "{name}");
    }
    assert!(template.functions["callback"].policy.allows("dynamodb:PutItem", grants, &[]));
}

#[test]
fn what_takes_notifications_in_may_only_add_to_the_inbox() {
    let template = bundled();
    let records = &template.tables["Records"].arn;
    let may = |action: &str, key: &str| {
        let policy = &template.functions["notify"].policy;
        policy.allows(&format!("dynamodb:{action}"), records, &[("dynamodb:LeadingKeys", key)])
    };

    assert!(may("PutItem", "IN#enr_1") && may("GetItem", "ENR#enr_1"));
    assert!(!may("PutItem", "ENR#enr_1") && !may("GetItem", "IN#enr_1"));
    assert!(!may("GetItem", "SYS") && !may("PutItem", "SYS"));
    for action in ["UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem"] {
        assert!(!may(action, "IN#enr_1") && !may(action, "ENR#enr_1"), "{action}");
    }
}

#[test]
fn of_an_enrollment_notify_and_deliver_may_see_a_few_attributes_and_nothing_of_its_cars() {
    let template = bundled();
    let records = &template.tables["Records"].arn;
    let sees = |function: &str, select: &str, attributes: &[&str]| {
        let told = attributes.iter().map(|name| ("dynamodb:Attributes", *name));
        let key = [("dynamodb:LeadingKeys", "ENR#enr_1"), ("dynamodb:Select", select)];
        let context: Vec<_> = key.into_iter().chain(told).collect();
        template.functions[function].policy.allows("dynamodb:GetItem", records, &context)
    };
    let some = "SPECIFIC_ATTRIBUTES";

    assert!(sees("notify", some, &["pk", "sk", "status"]));
    assert!(sees("deliver", some, &["pk", "sk", "status", "find", "expires_at"]));
    for function in ["notify", "deliver"] {
        assert!(!sees(function, some, &["pk", "sk", "body"]), "{function}");
        assert!(!sees(function, "ALL_ATTRIBUTES", &["pk", "sk"]), "{function}");
    }
}

/// What `infra/aws/checks` holds the template's patterns to, the functions' parser is held to here: what
/// deploys also starts, and what does not start does not deploy.
#[test]
fn the_functions_judge_each_parameters_examples_as_the_template_does() {
    let examples = include_str!("../../../aws/checks/parameters.json");
    let examples: BTreeMap<String, BTreeMap<String, Vec<String>>> =
        serde_json::from_str(examples).unwrap();
    let starts = |name: &str, value: &str| {
        let required = [("PublicUrl", "https://cars.example.com"), ("OperatorName", "Test")];
        let all = required.into_iter().chain([(name, value)]);
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Ok(template) = Template::bundled(&Scope::new(all.collect())) else { return false };
        let environment = &template.functions["login"].environment;
        let lookup = |variable: &str| match environment.get(variable) {
            None if variable.starts_with("AWS_ENDPOINT") => None,
            None if variable.starts_with("AWS_") => Some("x".to_owned()),
            value => value.cloned(),
        };
        shared::config::Config::from_lookup(&lookup, &[]).is_ok()
    };
    let reach: Vec<String> = bundled().parameter_of.into_values().collect();

    assert!(reach.len() > 20, "{reach:?}");
    for name in reach.iter().map(String::as_str).chain(["PublicUrl"]) {
        for value in &examples[name]["accepted"] {
            assert!(starts(name, value), "{name} = {value:?} deploys and does not start");
        }
        for value in &examples[name]["refused"] {
            assert!(!starts(name, value), "{name} = {value:?} would start");
        }
    }
}
