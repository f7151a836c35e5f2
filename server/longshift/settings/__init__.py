"""Settings: one model, its sources and their order, and trust in a project's own file.

Owns what a person can set and whose word counts. Must never start anything, open a network
connection or read a key: it knows the NAME of the variable that holds one.
"""

from longshift.settings.load import Loaded, load_settings, merge_tables
from longshift.settings.model import (
    BUILTIN,
    ROLES,
    BudgetTable,
    ModelsTable,
    ModelTable,
    Role,
    RoleModel,
    SandboxTable,
    Settings,
)
from longshift.settings.sources import default_person_file
from longshift.settings.trust import Standing, Trust, default_trust_folder

__all__ = [
    "BUILTIN",
    "ROLES",
    "BudgetTable",
    "Loaded",
    "ModelTable",
    "ModelsTable",
    "Role",
    "RoleModel",
    "SandboxTable",
    "Settings",
    "Standing",
    "Trust",
    "default_person_file",
    "default_trust_folder",
    "load_settings",
    "merge_tables",
]
