"""Imports every module of a package: what compiles may still name what is not there."""

import importlib
import pkgutil
import sys

package = importlib.import_module(sys.argv[1])
modules = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
for name in modules:
    importlib.import_module(name)
print(f"{len(modules)} modules of the Python client can be imported")
assert len(modules) > 100, modules
