// The language of setkey(8).  Actions only build values (script.h); nothing is looked up or sent from here.
// Conflict-free LALR(1); errors name what could have stood there (LAC).
%require "3.8"
%language "c++"
%skeleton "lalr1.cc"
%header
%define api.namespace {testudo::cli}
%define api.parser.class {SetkeyParser}
%define api.value.type variant
%define api.value.automove
%define api.token.constructor
%define api.token.prefix {T_}
%define api.location.file none
%define parse.error custom
%define parse.lac full
%locations

%code requires {
#include "cli/setkey/script_builder.h"
#ifndef YY_TYPEDEF_YY_SCANNER_T
#define YY_TYPEDEF_YY_SCANNER_T
typedef void* yyscan_t;
#endif
}
%param { yyscan_t scanner } { ScriptBuilder& builder }

%code {
#include <algorithm>
#include <memory>

namespace testudo::cli {
SetkeyParser::symbol_type next_setkey_token(yyscan_t scanner, ScriptBuilder& builder);
namespace {

SetkeyParser::symbol_type yylex(yyscan_t scanner, ScriptBuilder& builder) {
  return next_setkey_token(scanner, builder);
}

Position at(const location& l) {
  return {static_cast<unsigned>(l.begin.line), static_cast<unsigned>(l.begin.column)};
}

}  // namespace
}  // namespace testudo::cli
}

%token END 0 "end of file"
%token SEMICOLON "`;'" SLASH "`/'" OPEN "`['" CLOSE "`]'"
%token ADD "add" UPDATE "update" GETSPI "getspi" DELETE "delete" GET "get" DELETEALL "deleteall"
%token FLUSH "flush" DUMP "dump" EXIT "exit"
%token SPDADD "spdadd" SPDUPDATE "spdupdate" SPDDELETE "spddelete" SPDDUMP "spddump" SPDFLUSH "spdflush" TAGGED "tagged"
%token OPT_MODE "-m" OPT_REPLAY "-r" OPT_REQID "-u" OPT_FLAG "-f" OPT_LH "-lh" OPT_LS "-ls" OPT_BH "-bh" OPT_BS "-bs"
%token OPT_FRAG "-esp_frag" OPT_CONTEXT "-ctx" OPT_POLICY "-P" OPT_CIPHER "-E" OPT_MAC "-A" OPT_COMPRESSION "-C" OPT_RAWCPI "-R"
%token <Word> ADDRESS_OPTION "an option of -4, -6 and -n" BAD_OPTION "an option"
%token <Word> PROTOCOL "a protocol (esp, ah, ipcomp, esp-udp, tcp)" ESPUDP "esp-udp" TCP "tcp"
%token <Word> MODE "transport or tunnel" ANY "any"
%token <Word> NUMBER "a number" HEX "a 0x number" STRING "an IP address or a name" TYPECODE "TYPE,CODE"
%token <Word> ALGORITHM "an algorithm" FLAG "a flag (random-pad, seq-pad, zero-pad, nocyclic-seq, esn)"
%token <Word> POLICY "a policy"
%token <Key> QUOTED "a string in quotes"

// Commands stand on the stack as pointers: each step of the parser clears and moves a value of the largest type.
%type <SaCommand::Verb> add_verb get_verb
%type <PolicyCommand::Verb> policy_verb tag_verb
%type <std::vector<Word>> address_options
%type <HostAndPort> host_port
%type <HostRange> range
%type <std::optional<Word>> port prefix misc
%type <Word> port_value spi upper address
%type <SaProtocolChoice> protocol
%type <std::optional<SaProtocolChoice>> any_protocol
%type <std::vector<Extension>> extensions
%type <Extension> extension
%type <Extension::Kind> number_option
%type <std::unique_ptr<SaCommand>> algorithms
%type <AlgorithmChoice> algorithm
%type <Key> key
%type <std::unique_ptr<SaCommand>> sa_command
%type <SaTableCommand> sa_table_command
%type <std::unique_ptr<PolicyCommand>> policy_command
%type <PolicyTableCommand> policy_table_command

%%
script
  : %empty
  | script command
  | script EXIT SEMICOLON { builder.end(); YYACCEPT; }
  | script SEMICOLON
  | script error SEMICOLON { yyerrok; }
  ;

command
  : sa_command SEMICOLON { builder.add({std::move(*$1), at(@1), at(@2)}); }
  | sa_table_command SEMICOLON { builder.add({$1, at(@1), at(@2)}); }
  | policy_command SEMICOLON { builder.add({std::move(*$1), at(@1), at(@2)}); }
  | policy_table_command SEMICOLON { builder.add({$1, at(@1), at(@2)}); }
  ;

sa_command
  : add_verb address_options host_port host_port protocol spi extensions algorithms {
      $$ = $8;
      $$->verb = $1;
      $$->address_options = $2;
      $$->source = $3;
      $$->destination = $4;
      $$->protocol = $5;
      $$->spi = $6;
      $$->extensions = $7;
    }
  | get_verb address_options host_port host_port protocol spi extensions {
      $$ = std::make_unique<SaCommand>();
      $$->verb = $1;
      $$->address_options = $2;
      $$->source = $3;
      $$->destination = $4;
      $$->protocol = $5;
      $$->spi = $6;
      $$->extensions = $7;
    }
  | DELETEALL address_options address address protocol {
      $$ = std::make_unique<SaCommand>();
      $$->verb = SaCommand::Verb::DeleteAll;
      $$->address_options = $2;
      $$->source.host = $3;
      $$->destination.host = $4;
      $$->protocol = $5;
    }
  ;
add_verb
  : ADD { $$ = SaCommand::Verb::Add; }
  | UPDATE { $$ = SaCommand::Verb::Update; }
  ;
get_verb
  : GETSPI { $$ = SaCommand::Verb::GetSpi; }
  | DELETE { $$ = SaCommand::Verb::Delete; }
  | GET { $$ = SaCommand::Verb::Get; }
  ;

sa_table_command
  : FLUSH any_protocol { $$ = SaTableCommand{SaTableCommand::Verb::Flush, $2}; }
  | DUMP any_protocol { $$ = SaTableCommand{SaTableCommand::Verb::Dump, $2}; }
  ;
any_protocol
  : %empty { $$ = std::nullopt; }
  | protocol { $$ = $1; }
  ;

policy_command
  : policy_verb address_options range range upper misc context OPT_POLICY POLICY {
      $$ = std::make_unique<PolicyCommand>();
      $$->verb = $1;
      $$->address_options = $2;
      $$->source = $3;
      $$->destination = $4;
      $$->upper = $5;
      $$->misc = $6;
      $$->policy = $9;
    }
  | tag_verb TAGGED QUOTED OPT_POLICY POLICY {
      $$ = std::make_unique<PolicyCommand>();
      $$->verb = $1;
      $$->tag = Word{"tagged", at(@2)};
      $$->policy = $5;
    }
  ;
policy_verb
  : tag_verb
  | SPDDELETE { $$ = PolicyCommand::Verb::Delete; }
  ;
tag_verb
  : SPDADD { $$ = PolicyCommand::Verb::Add; }
  | SPDUPDATE { $$ = PolicyCommand::Verb::Update; }
  ;
policy_table_command
  : SPDFLUSH { $$ = PolicyTableCommand{PolicyTableCommand::Verb::Flush}; }
  | SPDDUMP { $$ = PolicyTableCommand{PolicyTableCommand::Verb::Dump}; }
  ;

address_options
  : %empty {}
  | address_options ADDRESS_OPTION { $$ = $1; $$.push_back($2); }
  | address_options BAD_OPTION { $$ = $1; $$.push_back($2); }
  ;
address
  : STRING
  | NUMBER
  ;
host_port
  : address port { $$ = HostAndPort{$1, $2}; }
  ;
range
  : address prefix port { $$ = HostRange{$1, $2, $3}; }
  ;
prefix
  : %empty { $$ = std::nullopt; }
  | SLASH NUMBER { $$ = $2; }
  ;
port
  : %empty { $$ = std::nullopt; }
  | OPEN port_value CLOSE { $$ = $2; }
  ;
port_value
  : NUMBER
  | STRING
  | ANY
  ;

protocol
  : PROTOCOL { $$ = SaProtocolChoice{$1, std::nullopt}; }
  | TCP { $$ = SaProtocolChoice{$1, std::nullopt}; }
  | ESPUDP { $$ = SaProtocolChoice{$1, std::nullopt}; }
  | ESPUDP STRING { $$ = SaProtocolChoice{$1, $2}; }
  ;
spi
  : NUMBER
  | HEX
  ;

extensions
  : %empty {}
  | extensions extension { $$ = $1; $$.push_back($2); }
  ;
extension
  : OPT_MODE MODE { $$ = Extension{Extension::Kind::Mode, $2}; }
  | OPT_MODE ANY { $$ = Extension{Extension::Kind::Mode, $2}; }
  | OPT_FLAG FLAG { $$ = Extension{Extension::Kind::Flag, $2}; }
  | number_option NUMBER { $$ = Extension{$1, $2}; }
  | OPT_CONTEXT NUMBER NUMBER QUOTED { $$ = Extension{Extension::Kind::SecurityContext, $2}; }
  ;
number_option
  : OPT_REPLAY { $$ = Extension::Kind::Replay; }
  | OPT_REQID { $$ = Extension::Kind::ReqId; }
  | OPT_LH { $$ = Extension::Kind::HardTime; }
  | OPT_LS { $$ = Extension::Kind::SoftTime; }
  | OPT_BH { $$ = Extension::Kind::HardBytes; }
  | OPT_BS { $$ = Extension::Kind::SoftBytes; }
  | OPT_FRAG { $$ = Extension::Kind::Fragment; }
  ;

algorithms
  : OPT_CIPHER algorithm { $$ = std::make_unique<SaCommand>(); $$->cipher = $2; }
  | OPT_CIPHER algorithm OPT_MAC algorithm { $$ = std::make_unique<SaCommand>(); $$->cipher = $2; $$->mac = $4; }
  | OPT_MAC algorithm { $$ = std::make_unique<SaCommand>(); $$->mac = $2; }
  | OPT_COMPRESSION ALGORITHM { $$ = std::make_unique<SaCommand>(); $$->compression = AlgorithmChoice{$2, std::nullopt}; }
  | OPT_COMPRESSION ALGORITHM OPT_RAWCPI {
      $$ = std::make_unique<SaCommand>();
      $$->compression = AlgorithmChoice{$2, std::nullopt};
      $$->raw_cpi = true;
    }
  ;
algorithm
  : ALGORITHM { $$ = AlgorithmChoice{$1, std::nullopt}; }
  | ALGORITHM key { $$ = AlgorithmChoice{$1, $2}; }
  ;
key
  : QUOTED
  | HEX { Word word = $1; $$ = ScriptBuilder::hex_key(word.text, word.where); }
  ;

upper
  : NUMBER
  | ANY
  | TCP
  | PROTOCOL
  | STRING
  ;
misc
  : %empty { $$ = std::nullopt; }
  | TYPECODE { $$ = $1; }
  | NUMBER { $$ = $1; }
  | STRING { $$ = $1; }
  ;
context
  : %empty
  | OPT_CONTEXT NUMBER NUMBER QUOTED
  ;
%%

namespace testudo::cli {
namespace {

using Kind = SetkeyParser::symbol_kind;

/// "a, b or c"
std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

bool starts_command(SetkeyParser::symbol_kind_type kind) {
  return (kind >= Kind::S_ADD && kind <= Kind::S_EXIT) || (kind >= Kind::S_SPDADD && kind <= Kind::S_SPDFLUSH);
}

bool is_mark(SetkeyParser::symbol_kind_type kind) {
  return kind >= Kind::S_SEMICOLON && kind <= Kind::S_CLOSE;
}

/// The tokens that could stand at one place, in words for people.
class Expectation {
 public:
  explicit Expectation(std::vector<SetkeyParser::symbol_kind_type> kinds) : kinds_(std::move(kinds)) {}

  bool has(SetkeyParser::symbol_kind_type kind) const {
    return std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end();
  }

  std::string text() const {
    if (has(Kind::S_SPDFLUSH)) return "a command (add, delete, spdadd, flush, ...)";
    std::vector<std::string> words, marks;
    for (const auto kind : kinds_) {
      if (is_silent(kind)) continue;
      // Only addresses and names are strings; where `any` may stand, an address may not.
      const bool name = kind == Kind::S_STRING && has(Kind::S_ANY);
      (is_mark(kind) ? marks : words).push_back(name ? "a name" : SetkeyParser::symbol_name(kind));
    }
    words.insert(words.end(), marks.begin(), marks.end());
    return join(words);
  }

 private:
  /// What another word of the list says already, or nobody would write.
  bool is_silent(SetkeyParser::symbol_kind_type kind) const {
    switch (kind) {
      case Kind::S_BAD_OPTION:
      case Kind::S_YYEOF: return true;
      case Kind::S_ESPUDP:
      case Kind::S_TCP: return has(Kind::S_PROTOCOL);
      case Kind::S_NUMBER: return has(Kind::S_STRING) && !has(Kind::S_ANY) && !has(Kind::S_HEX);
      default: return false;
    }
  }

  std::vector<SetkeyParser::symbol_kind_type> kinds_;
};

}  // namespace

void SetkeyParser::report_syntax_error(const context& ctx) const {
  std::vector<symbol_kind_type> kinds(symbol_kind::YYNTOKENS);
  kinds.resize(static_cast<std::size_t>(ctx.expected_tokens(kinds.data(), static_cast<int>(kinds.size()))));
  const Expectation expected{std::move(kinds)};
  const auto found = ctx.token();
  const bool at_command = expected.has(symbol_kind::S_SPDFLUSH);
  std::string hint;
  if (starts_command(found) && !at_command) hint = "is a `;' missing before it?";
  if (found == symbol_kind::S_YYEOF && !at_command) hint = "the last command has no `;'";
  const bool ended = !hint.empty() && expected.has(symbol_kind::S_SEMICOLON);
  builder.complain_syntax(at(ctx.location()), builder.last_token(), ended ? "`;'" : expected.text(), std::move(hint));
}

void SetkeyParser::error(const location_type& l, const std::string& message) {
  builder.complain({.severity = Diagnostic::Severity::Error, .where = at(l), .message = message,
                    .token = builder.last_token(), .expected = "", .hint = "", .key_length = std::nullopt});
}

}  // namespace testudo::cli
