"""How a proof breaks the template: a function that changes a copy, and the rules that must see it."""

BREAKS = []


def breaks(*rules):
    """Registers a function that breaks the template, and the rules that must see it."""

    def register(function):
        BREAKS.append((function, rules))
        return function

    return register


def props(template, name):
    return template["Resources"][name]["Properties"]


def statements(template, role):
    return props(template, role)["Policies"][0]["PolicyDocument"]["Statement"]


def statement(template, role, sid):
    return next(s for s in statements(template, role) if s.get("Sid") == sid)


def event(template, function, name):
    return props(template, function)["Events"][name]["Properties"]
