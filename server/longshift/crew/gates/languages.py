"""What evades work, language by language, as data: stubs, silenced diagnostics, skipped tests.

Owns the patterns, one table. Each is searched in a line that an attempt added. A language that is
not here is not looked at.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["stub", "suppression", "skipped_test"]


@dataclass(frozen=True, slots=True)
class Language:
    """How one family of languages writes what a submission must not bring."""

    suffixes: frozenset[str]
    comment: str
    """What opens a comment to the end of the line, as a pattern."""
    stub: str
    suppression: str
    skipped_test: str
    test: str
    """The name of a test that a line begins, as its one group that is not empty."""
    check: str
    """What makes a line one that checks something, in a file of tests."""

    def patterns(self) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
        """The patterns of a line, with what each stands for."""
        promise = rf"(?:{self.comment}).*{_PROMISE}"
        return (
            ("stub", re.compile(rf"{promise}|{self.stub}" if self.stub else promise)),
            ("suppression", re.compile(self.suppression)),
            ("skipped_test", re.compile(self.skipped_test)),
        )


_PROMISE: Final = (
    r"\b(?:TODO|FIXME|XXX)\b.{0,40}\b(?i:implement\w*|fill (?:this )?in|finish|placeholder|stub)"
)
"""A comment that leaves the work for later; any other reminder is the author's own business."""
_UNMADE: Final = r"(?i:[^\"'`]{0,40}not (?:yet )?(?:been )?implemented|unimplemented|todo\b|stub\b)"
_C_LIKE_CHECK: Final = r"\b(?:assert\w*|expect\w*|require\w*|verify|should)\b"

LANGUAGES: Final[tuple[Language, ...]] = (
    Language(
        suffixes=frozenset({".py"}),
        comment="#",
        stub="",  # read from the syntax tree: see `python_stubs`
        suppression=(
            r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore|pylint:\s*disable|nosec\b"
            r"|pragma:\s*no\s*cover|mypy:\s*ignore|ruff:\s*noqa|flake8:\s*noqa|pyre-(?:ignore|fixme))"
        ),
        skipped_test=(
            r"@(?:pytest\.)?mark\.(?:skip|xfail)\b|@(?:unittest\.)?(?:skip|expectedFailure)\b"
            r"|\bpytest\.(?:skip|xfail)\(|\bself\.skipTest\(|\b__test__\s*=\s*False"
        ),
        test=r"^\s*(?:async\s+)?def\s+(test\w*)",
        check=r"^\s*assert\b|\bself\.(?:assert|fail)\w*\(|\bpytest\.(?:raises|warns)\(|\.assert_\w+\(",
    ),
    Language(
        suffixes=frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
        | {".vue", ".svelte"},
        comment=r"//|/\*|\{/\*",
        stub=rf"\bthrow\s+(?:new\s+)?\w*Error\(\s*[\"'`]{_UNMADE}",
        suppression=(
            r"(?:eslint|oxlint)-disable|@ts-(?:ignore|nocheck|expect-error)|biome-ignore"
            r"|tslint:disable|(?:istanbul|c8|v8) ignore|@flow-ignore|\$FlowFixMe"
        ),
        skipped_test=(
            r"\b(?:it|test|describe|context|suite)\.(?:skip|only|todo|fixme|failing)\b"
            r"|^\s*(?:xit|xtest|xdescribe|fit|fdescribe)\s*\(\s*[\"'`]"
        ),
        test=r"^\s*(?:it|test)(?:\.\w+)*\s*\(\s*[\"'`](.+?)[\"'`]",
        check=r"\bexpect\s*\(|\bassert\b|\.should\b",
    ),
    Language(
        suffixes=frozenset({".rs"}),
        comment="//",
        stub=r"\b(?:unimplemented|todo)!\s*[(\[{]|\bpanic!\(\s*\"" + _UNMADE,
        suppression=r"#!?\[\s*(?:allow|expect)\(|#!?\[\s*cfg_attr\([^\]]*\ballow\(",
        skipped_test=r"#\[\s*ignore\b",
        test=r"^\s*(?:async\s+)?fn\s+(test_\w+|\w+_works)\s*\(",
        check=r"\b(?:debug_)?assert(?:_\w+)?!\s*\(|#\[\s*should_panic",
    ),
    Language(
        suffixes=frozenset({".go"}),
        comment="//",
        stub=rf"\bpanic\(\s*[\"`]{_UNMADE}|\berrors\.New\(\s*[\"`]{_UNMADE}",
        suppression=r"//\s*(?:nolint|#nosec|lint:ignore|exhaustive:ignore)",
        skipped_test=r"\b[tb]\.Skip(?:f|Now)?\(",
        test=r"^func\s+((?:Test|Fuzz)\w*)\s*\(",
        check=r"\bt\.(?:Error|Fatal|Fail)\w*\(|\b(?:assert|require)\.\w+\(",
    ),
    Language(
        suffixes=frozenset({".java", ".kt", ".kts", ".scala", ".groovy"}),
        comment=r"//|/\*",
        stub=(
            r"\bthrow\s+(?:new\s+)?(?:UnsupportedOperationException|NotImplementedError)\(\s*"
            rf"(?:\)|\"{_UNMADE})|(?:^|[={{]|return)\s*TODO\(|(?:=|^)\s*\?\?\?\s*$"
        ),
        suppression=(
            r"@(?:file:)?Suppress(?:Warnings|Lint)?\b|//\s*(?:NOSONAR|noinspection|CHECKSTYLE:OFF)"
            r"|@nowarn\b"
        ),
        skipped_test=r"@(?:Disabled|Ignore)\b",
        test=r"(?:void|fun)\s+(test\w+|`[^`]+`|\w+Test)\s*\(",
        check=_C_LIKE_CHECK,
    ),
    Language(
        suffixes=frozenset({".cs", ".vb"}),
        comment=r"//|/\*",
        stub=r"\bthrow\s+new\s+NotImplementedException\b",
        suppression=r"#pragma\s+warning\s+disable|\bSuppressMessage\(|//\s*ReSharper\s+disable",
        skipped_test=r"\[(?:Fact|Theory)\([^\]]*\bSkip\s*=|\[Ignore\b|\bAssert\.(?:Ignore|Skip)\(",
        test=r"\b(?:void|Task)\s+(Test\w+|\w+Tests?)\s*\(",
        check=r"\bAssert\.\w+|\.Should\w*\(",
    ),
    Language(
        suffixes=frozenset({".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".m", ".mm"}),
        comment=r"//|/\*",
        stub=rf"#error\s+\"?{_UNMADE}|\b(?:assert\(.*&&\s*|abort_with\(|logic_error\(\s*)\"{_UNMADE}",
        suppression=(
            r"\bNOLINT|#pragma\s+(?:GCC|clang)\s+diagnostic\s+ignored"
            r"|#pragma\s+warning\s*\(\s*disable|cppcheck-suppress"
        ),
        skipped_test=r"\bGTEST_SKIP\(|\bDISABLED_\w|\bTEST_IGNORE\w*\(",
        test=r"^\s*TEST(?:_F|_P|_CASE)?\(\s*(.+?)\)",
        check=r"\b(?:EXPECT|ASSERT|CHECK|REQUIRE|TEST_ASSERT)\w*\s*\(|\bassert\s*\(",
    ),
    Language(
        suffixes=frozenset({".rb"}),
        comment="#",
        stub=r"\braise\s+(?:NotImplementedError|[\"']" + _UNMADE + ")",
        suppression=r"#\s*rubocop:\s*(?:disable|todo)|#\s*:nocov:",
        skipped_test=r"^\s*(?:xit|xdescribe|xcontext|skip|pending|fit|fdescribe)\b\s*(?:\(|[\"']|$)",
        test=r"^\s*(?:def\s+(test_\w+)|it\s+[\"'](.+?)[\"'])",
        check=r"\bassert\w*\b|\bexpect\s*[({]|\.(?:must|should)\w*\b",
    ),
    Language(
        suffixes=frozenset({".php"}),
        comment=r"//|#|/\*",
        stub=rf"\bthrow\s+new\s+\\?\w*Exception\(\s*[\"']{_UNMADE}",
        suppression=r"@(?:phpstan-ignore|psalm-suppress|codeCoverageIgnore)|phpcs:(?:ignore|disable)",
        skipped_test=r"\bmarkTest(?:Skipped|Incomplete)\(",
        test=r"\bfunction\s+(test\w+)\s*\(",
        check=r"\bassert\w*\(|\bexpect\w*\(",
    ),
    Language(
        suffixes=frozenset({".swift"}),
        comment=r"//|/\*",
        stub=rf"\bfatalError\(\s*\"{_UNMADE}",
        suppression=r"swiftlint:disable",
        skipped_test=r"\bXCTSkip|\.disabled\(",
        test=r"\bfunc\s+(test\w+)\s*\(",
        check=r"\bXCTAssert\w*\(|\bXCTFail\(|#expect\(",
    ),
    Language(
        suffixes=frozenset({".sh", ".bash", ".bats"}),
        comment="#",
        stub="",
        suppression=r"#\s*shellcheck\s+disable=",
        skipped_test=r"^\s*skip\b",
        test=r"^\s*@test\s+[\"'](.+?)[\"']",
        check=r"^\s*(?:\[\[?\s|assert_|test\s)",
    ),
)

BY_SUFFIX: Final = {suffix: one for one in LANGUAGES for suffix in one.suffixes}
