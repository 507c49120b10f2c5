#include "host/policy_chain.h"

#include <algorithm>
#include <list>
#include <map>
#include <unordered_map>
#include <utility>

#include "host/nft_match.h"

namespace testudo::host {
namespace {

using Element = std::pair<const std::string, std::uint32_t>;  // its text, and how many policies it stands for

/// Selectors of one shape in one run.
struct Set {
  std::string name;
  std::unordered_map<std::string, std::uint32_t> elements;

  friend bool operator==(const Set& a, const Set& b) { return a.elements == b.elements; }
};

struct Run {
  Treatment treatment = Treatment::Clear;
  std::map<Shape, Set> sets;
  std::vector<std::string> plain;  ///< rules for what sets cannot hold

  friend bool operator==(const Run&, const Run&) = default;
};

/// Where a policy is; without a set, in rules of its own.
struct Home {
  Treatment treatment = Treatment::Clear;
  net::Family family = net::Family::V4;
  bool looks_inside = false;
  Set* set = nullptr;
  Element* element = nullptr;
};

/// Commands; neighbours that put elements into one set, or take them out of it, become one.
class Script {
 public:
  void line(const std::string& text) {
    close();
    text_.append(text).append("\n");
  }
  void element(const std::string& verb, const std::string& set, const std::string& key) {
    std::string start = verb + " element inet " + set + " { ";
    if (start == open_) {
      text_.append(", ");
    } else {
      close();
      open_ = std::move(start);
      text_.append(open_);
    }
    text_.append(key);
  }
  std::string take() {
    close();
    return std::move(text_);
  }

 private:
  void close() {
    if (!open_.empty()) text_.append(" }\n");
    open_.clear();
  }
  std::string text_, open_;
};

}  // namespace

struct PolicyChain::State {
  Place place;
  Verdict clear, protect;
  bool in_sets = false;
  std::vector<std::string> plain;  ///< the whole chain while it is not in sets
  std::list<Run> runs;             ///< otherwise
  std::unordered_map<std::uint32_t, Home> homes;
  struct Count {
    std::size_t protect = 0, look_inside = 0;
  };
  Count v4, v6;
  std::size_t rules = 0, empty_sets = 0;
  std::uint64_t next_set = 1;

  const Verdict& verdict(Treatment t) const { return t == Treatment::Protect ? protect : clear; }
  std::vector<std::string> plain_rules(const FilterRule& rule) const;
  void count(const Home& home, int by);
  void add(const FilterRule& rule, Script& script);
  void add_to_set(const FilterRule& rule, const Shape& shape, Home& home, Script& script);
  void add_plainly(const FilterRule& rule, Script& script);
  Run& run_of(Treatment treatment);
  bool remove(std::uint32_t policy, Script& script);
  bool apply(const FilterChange& change, Script& script);
  Set& set_of(Run& run, const Shape& shape, Script& script);
  void fill(const std::vector<FilterRule>& rules, Script& script);
  void delete_sets(Script& script) const;
  void take_names(const State& other);
};

std::vector<std::string> PolicyChain::State::plain_rules(const FilterRule& rule) const {
  using Generous = Verdict::Generous;
  const Verdict& v = verdict(rule.treatment);
  const bool named = rule.selector.protocol != net::protocol::kAny;
  const bool generous = v.generous == Generous::Always || (v.generous == Generous::WithProtocol && named);
  std::vector<std::string> texts = nft_matches(rule.selector, generous);
  for (std::string& text : texts) text += v.text;
  return texts;
}

void PolicyChain::State::count(const Home& home, int by) {
  Count& of = home.family == net::Family::V4 ? v4 : v6;
  if (home.treatment == Treatment::Protect) of.protect += static_cast<std::size_t>(by);
  if (home.looks_inside) of.look_inside += static_cast<std::size_t>(by);
}

Set& PolicyChain::State::set_of(Run& run, const Shape& shape, Script& script) {
  const auto [found, fresh] = run.sets.try_emplace(shape);
  Set& set = found->second;
  if (!fresh) return set;
  set.name = place.sets + std::to_string(next_set++);
  ++rules;
  ++empty_sets;
  script.line("add set inet " + place.table + " " + set.name + " { type " + nft_type(shape) + "; }");
  script.line("add rule inet " + place.table + " " + place.chain + " " + nft_key(shape) + "@" + set.name + " " +
              verdict(run.treatment).text);
  return set;
}

/// To the end of the chain: the last run is the only one that grows.
void PolicyChain::State::add(const FilterRule& rule, Script& script) {
  const net::Selector& s = rule.selector;
  if (s.source.address.family() != s.destination.address.family()) return;  // matches no packet
  Home home{.treatment = rule.treatment, .family = s.source.address.family()};
  home.looks_inside = s.protocol != net::protocol::kAny || s.source_port != 0 || s.destination_port != 0;
  const auto shape = in_sets ? shape_of(s) : std::nullopt;
  shape ? add_to_set(rule, *shape, home, script) : add_plainly(rule, script);
  count(home, 1);
  homes[rule.policy] = home;
}

Run& PolicyChain::State::run_of(Treatment treatment) {
  if (runs.empty() || runs.back().treatment != treatment) runs.push_back({treatment, {}, {}});
  return runs.back();
}

void PolicyChain::State::add_to_set(const FilterRule& rule, const Shape& shape, Home& home, Script& script) {
  Set& set = set_of(run_of(rule.treatment), shape, script);
  if (set.elements.empty()) --empty_sets;
  home.set = &set;
  home.element = &*set.elements.try_emplace(nft_element(shape, rule.selector), 0).first;
  if (home.element->second++ == 0) script.element("add", place.table + " " + set.name, home.element->first);
}

void PolicyChain::State::add_plainly(const FilterRule& rule, Script& script) {
  std::vector<std::string>& where = in_sets ? run_of(rule.treatment).plain : plain;
  for (const std::string& text : plain_rules(rule)) {
    // The same words twice say nothing new, where nothing of another treatment can stand between them.
    if (!where.empty() && where.back() == text) continue;
    script.line("add rule inet " + place.table + " " + place.chain + " " + text);
    where.push_back(text);
    ++rules;
  }
}

/// False, and nothing done, when the policy has a rule of its own, which only its handle in the kernel would name.
bool PolicyChain::State::remove(std::uint32_t policy, Script& script) {
  const auto found = homes.find(policy);
  if (found == homes.end()) return true;  // it matches no packet, or came and went before anyone looked
  const Home home = found->second;
  if (home.set == nullptr) return false;
  homes.erase(found);
  count(home, -1);
  if (--home.element->second > 0) return true;
  script.element("delete", place.table + " " + home.set->name, home.element->first);
  home.set->elements.erase(home.element->first);
  if (home.set->elements.empty()) ++empty_sets;
  return true;
}

/// False when it is not done.
bool PolicyChain::State::apply(const FilterChange& change, Script& script) {
  switch (change.kind) {
    case FilterChange::Kind::Appended:
      add(change.rule, script);
      return true;
    case FilterChange::Kind::Removed:
      return remove(change.rule.policy, script);
    case FilterChange::Kind::Replaced: {
      const auto found = homes.find(change.rule.policy);
      return found == homes.end() || found->second.treatment == change.rule.treatment;
    }
  }
  return false;
}

void PolicyChain::State::fill(const std::vector<FilterRule>& list, Script& script) {
  in_sets = list.size() > kPlainPolicies;
  for (const FilterRule& rule : list) add(rule, script);
}

void PolicyChain::State::delete_sets(Script& script) const {
  for (const Run& run : runs) {
    for (const auto& [shape, set] : run.sets) script.line("delete set inet " + place.table + " " + set.name);
  }
}

/// Of a state that says the same: the kernel knows the sets by these names.
void PolicyChain::State::take_names(const State& other) {
  auto run = other.runs.begin();
  for (Run& mine : runs) {
    auto theirs = (run++)->sets.begin();
    for (auto& [shape, set] : mine.sets) set.name = (theirs++)->second.name;
  }
  next_set = other.next_set;
}

PolicyChain::PolicyChain(Place place, Verdict clear, Verdict protect) : state_(std::make_unique<State>()) {
  state_->place = std::move(place);
  state_->clear = std::move(clear);
  state_->protect = std::move(protect);
}
PolicyChain::~PolicyChain() = default;
PolicyChain::PolicyChain(PolicyChain&&) noexcept = default;
PolicyChain& PolicyChain::operator=(PolicyChain&&) noexcept = default;

std::string PolicyChain::replace(const std::vector<FilterRule>& rules) {
  auto next = std::make_unique<State>();
  next->place = state_->place;
  next->clear = state_->clear;
  next->protect = state_->protect;
  next->next_set = state_->next_set;
  Script filling;
  next->fill(rules, filling);

  const Place& place = next->place;
  std::string commands;
  if (!next->in_sets && !state_->in_sets) {
    commands = replace_or_append(place.table, place.chain, state_->plain, next->plain);
  } else if (next->in_sets == state_->in_sets && next->runs == state_->runs) {
    next->take_names(*state_);
  } else {
    Script emptying;
    emptying.line("flush chain inet " + place.table + " " + place.chain);
    state_->delete_sets(emptying);
    commands = emptying.take() + filling.take();
  }
  state_ = std::move(next);
  return commands;
}

bool PolicyChain::follow(const std::vector<FilterChange>& changes, std::string& commands) {
  if (changes.empty()) return true;
  Script script;
  const bool done =
      std::ranges::all_of(changes, [&](const FilterChange& change) { return state_->apply(change, script); });
  commands += script.take();
  if (!done) return false;
  const std::size_t policies = state_->homes.size();
  if (!state_->in_sets && policies > kPlainPolicies) return false;
  // Few enough for people again, or more rules that can match nothing than others.
  if (state_->in_sets && policies < kPlainPolicies / 2) return false;
  return state_->empty_sets <= state_->rules / 2 + 8;
}

bool PolicyChain::holds(std::uint32_t policy) const {
  return state_->homes.contains(policy);
}

bool PolicyChain::in_sets() const {
  return state_->in_sets;
}

bool PolicyChain::protects(net::Family family) const {
  return (family == net::Family::V4 ? state_->v4 : state_->v6).protect > 0;
}

bool PolicyChain::looks_inside(net::Family family) const {
  return (family == net::Family::V4 ? state_->v4 : state_->v6).look_inside > 0;
}

std::size_t PolicyChain::rules() const {
  return state_->rules;
}

std::string chain_rules(const std::string& table, const std::string& chain, const std::vector<std::string>& rules,
                        std::size_t from) {
  const std::string add = "add rule inet " + table + " " + chain + " ";
  std::string text;
  for (std::size_t i = from; i < rules.size(); ++i) text.append(add).append(rules[i]).append("\n");
  return text;
}

std::string replace_or_append(const std::string& table, const std::string& chain,
                              const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const bool grown = before.size() <= after.size() && std::equal(before.begin(), before.end(), after.begin());
  if (grown) return chain_rules(table, chain, after, before.size());
  return "flush chain inet " + table + " " + chain + "\n" + chain_rules(table, chain, after);
}

}  // namespace testudo::host
