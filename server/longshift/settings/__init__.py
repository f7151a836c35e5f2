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
from longshift.settings.trust import (
    LetIn,
    Standing,
    Trust,
    default_trust_folder,
    fingerprint,
    what_trust_lets_in,
)

__all__ = [
    "BUILTIN",
    "ROLES",
    "BudgetTable",
    "LetIn",
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
    "fingerprint",
    "load_settings",
    "merge_tables",
    "what_trust_lets_in",
]
