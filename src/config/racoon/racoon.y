// The outer form of racoon.conf(5).  Actions only build values (syntax.h).
%require "3.8"
%language "c++"
%skeleton "lalr1.cc"
%header
%define api.namespace {testudo::config}
%define api.parser.class {RacoonParser}
%define api.value.type variant
%define api.value.automove
%define api.token.constructor
%define api.token.prefix {T_}
%define api.location.file none
%define parse.error custom
%define parse.lac full
%locations

%code requires {
#include "config/racoon/scan.h"
#ifndef YY_TYPEDEF_YY_SCANNER_T
#define YY_TYPEDEF_YY_SCANNER_T
typedef void* yyscan_t;
#endif
}
%param { yyscan_t scanner } { Scan& scan }

%code {
namespace testudo::config {
RacoonParser::symbol_type next_racoon_token(yyscan_t scanner, Scan& scan);
namespace {

RacoonParser::symbol_type yylex(yyscan_t scanner, Scan& scan) {
  return next_racoon_token(scanner, scan);
}

}  // namespace
}  // namespace testudo::config
}

%token END 0 "end of file"
%token SEMICOLON "`;'" OPEN "`{'" CLOSE "`}'" COMMA "`,'"
%token <Item> ITEM "a word"

%type <std::vector<Item>> items
%type <Statement> statement
%type <std::vector<Statement>> block

%%
file
  : %empty
  | file statement { scan.add($2); }
  | file error SEMICOLON { yyerrok; }
  ;
statement
  : items SEMICOLON { $$.items = $1; $$.end = scan.start(); }
  | items OPEN block CLOSE { $$.items = $1; $$.has_block = true; $$.block = $3; $$.end = scan.start(); }
  ;
block
  : %empty {}
  | block statement { $$ = $1; $$.push_back($2); }
  | block error SEMICOLON { $$ = $1; yyerrok; }
  ;
items
  : ITEM { $$.push_back($1); }
  | items ITEM { $$ = $1; $$.push_back($2); }
  | items COMMA ITEM { $$ = $1; $$.push_back($3); }
  ;
%%

namespace testudo::config {

void RacoonParser::report_syntax_error(const context& ctx) const {
  const auto found = ctx.token();
  std::string hint;
  if (found == symbol_kind::S_CLOSE) hint = "the statement before it has no `;', or the `}' has no `{'";
  if (found == symbol_kind::S_YYEOF) hint = "a block has no `}', or the last statement no `;'";
  if (found == symbol_kind::S_SEMICOLON) hint = "no statement stands before it";
  scan.complain("syntax error", std::move(hint));
}

void RacoonParser::error(const location_type&, const std::string& message) {
  scan.complain(message, "");
}

}  // namespace testudo::config
