"""Lets many of the well-formed requests be about what is there: random ids find nothing."""

import json
import os
import zlib

import schemathesis

ENROLLED = json.loads(os.environ["ENROLLED"])


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters:
        return path_parameters
    operation = context.operation
    given = json.dumps(path_parameters, sort_keys=True, default=str)
    # Two of three, as the request itself decides: the same seed gives the same requests. What is
    # erased is gone for all that come later.
    if operation.method == "delete" or zlib.crc32(given.encode()) % 3 == 0:
        return path_parameters
    if operation.path.startswith("/v1/enrollments/{id}") and str(path_parameters.get("id")).startswith("enr_"):
        path_parameters["id"] = ENROLLED["enrollment"]
    if "vin" in path_parameters and len(str(path_parameters["vin"])) == 17:
        path_parameters["vin"] = ENROLLED["vin"]
    return path_parameters
