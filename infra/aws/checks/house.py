"""The template as AWS would see it: translated by SAM, then resolved for one set of parameters.

Everything here works offline. A resolved house is plain data: conditions chosen, parameters put in,
references left as `<Logical>` and attributes as `<Logical.Attr>`, so that a rule can compare strings.
"""

import copy
import json
import logging
import re
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TEMPLATE = HERE.parent / "template.yaml"
REQUIRED = {"PublicUrl": "https://party.example", "OperatorName": "Example"}
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "party",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()
# SAM complains at exit of statistics that it did not send.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


def source():
    """The template as written."""
    return yaml_parse(TEMPLATE.read_text(encoding="utf-8"))


def translate(template):
    """The CloudFormation that SAM makes of it. The code is a placeholder, as after an upload."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "offline-code", "Key": "code.zip"}
    # An empty map of managed policies: the template uses none, and one that crept in would fail here.
    return Translator({}, Parser()).translate(template, dict(REQUIRED))


class House:
    """A translated template, resolved for some parameters."""

    def __init__(self, translated, **parameters):
        self.translated = translated
        declared = translated.get("Parameters", {})
        self.parameters = {name: p.get("Default") for name, p in declared.items()} | REQUIRED | parameters
        self.conditions = translated.get("Conditions", {})
        self.resources = {
            name: self.resolve(resource)
            for name, resource in translated["Resources"].items()
            if self.holds(resource.get("Condition"))
        }
        self.outputs = {
            name: self.resolve(output)
            for name, output in translated.get("Outputs", {}).items()
            if self.holds(output.get("Condition"))
        }

    def of(self, kind):
        """Name and properties of each resource of a type, such as `Lambda::Function`."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def holds(self, condition):
        """Whether a condition, by name or as an expression, is true."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self.conditions[condition])
        (operator, arguments), = condition.items()
        match operator:
            case "Condition":
                return self.holds(arguments)
            case "Fn::Not":
                return not self.holds(arguments[0])
            case "Fn::And":
                return all(self.holds(argument) for argument in arguments)
            case "Fn::Or":
                return any(self.holds(argument) for argument in arguments)
            case "Fn::Equals":
                left, right = (str(self.resolve(argument)) for argument in arguments)
                return left == right
        raise ValueError(f"unknown condition {operator}")

    def resolve(self, node):
        """Plain data for a node of the template."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (operator, argument), = node.items()
            match operator:
                case "Ref":
                    return self.reference(argument)
                case "Fn::GetAtt":
                    return f"<{argument if isinstance(argument, str) else '.'.join(argument)}>"
                case "Fn::If":
                    return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])
                case "Fn::Sub":
                    return self.substitute(argument)
                case "Fn::Split":
                    separator, text = (self.resolve(part) for part in argument)
                    return text.split(separator)
        return {key: value for key, item in node.items() if (value := self.resolve(item)) is not NO_VALUE}

    def reference(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        return PSEUDO.get(name, f"<{name}>")

    def substitute(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})

        def value(match):
            name = match.group(1)
            if name in own:
                return str(self.resolve(own[name]))
            return f"<{name}>" if "." in name else str(self.reference(name))

        return re.sub(r"\$\{([^}!]+)\}", value, text)

    # ── What rules ask of it ──────────────────────────────────────────────────────────────────────

    def function_of(self, text):
        """The function that an ARN or an integration's URI names."""
        found = re.search(r"<(\w+Function)(?:\.Arn)?>", str(text))
        return found.group(1) if found else None

    def role_of(self, function):
        """The logical name of a function's role."""
        return self.of("Lambda::Function")[function]["Role"].strip("<>").removesuffix(".Arn")

    def statements(self, role):
        """Every statement of a role's policies."""
        policies = self.of("IAM::Role")[role].get("Policies", [])
        return [statement for policy in policies for statement in as_list(policy["PolicyDocument"]["Statement"])]

    def rights(self, function):
        """The (action, resource) pairs that a function's role allows."""
        return {
            (action, resource)
            for statement in self.statements(self.role_of(function))
            if statement["Effect"] == "Allow"
            for action in as_list(statement.get("Action", []))
            for resource in as_list(statement.get("Resource", []))
        }

    def routes(self):
        """Route key to function, from the API's definition."""
        found = {}
        for api in self.of("ApiGatewayV2::Api").values():
            for path, methods in api["Body"]["paths"].items():
                for method, operation in methods.items():
                    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                    uri = operation["x-amazon-apigateway-integration"]["uri"]
                    found[f"{verb} {path}"] = self.function_of(uri)
        return found


def as_list(value):
    """A list, of one if it was none."""
    return value if isinstance(value, list) else [value]


def main():
    """Writes the translated template, to be linted and deployed."""
    import sys

    Path(sys.argv[1]).write_text(json.dumps(translate(source()), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
