#include "actors/llm/offline/paraphrases.hpp"

#include "actors/text/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace troupe {

namespace {

constexpr std::array groups{
    // doing things with things
    paraphrase_group{0.9, "give distribute redistribute convey deliver hand transfer pass"},
    paraphrase_group{0.7, "distribute redistribute publish release share"},
    paraphrase_group{0.6, "give share publish release offer send copy"},
    paraphrase_group{0.8, "supply provide offer furnish"},
    paraphrase_group{0.8, "copy duplicate reproduce replicate"},
    paraphrase_group{0.8, "change modify alter adapt edit amend revise"},
    paraphrase_group{0.8, "use run execute operate apply employ"},
    paraphrase_group{0.8, "combine merge link join include incorporate embed integrate"},
    paraphrase_group{0.8, "remove delete erase drop strip"},
    paraphrase_group{0.8, "keep retain preserve maintain store"},
    paraphrase_group{0.8, "stay remain continue"},
    paraphrase_group{0.7, "make create build produce write prepare"},
    paraphrase_group{0.7, "get obtain receive acquire"},
    paraphrase_group{0.7, "show display present print"},
    paraphrase_group{0.7, "explain describe document state mention"},
    paraphrase_group{0.8, "begin start commence"},
    paraphrase_group{0.8, "end finish stop terminate cease expire"},
    paraphrase_group{0.8, "fix cure repair remedy correct mend"},
    paraphrase_group{0.7, "help assist support"},
    paraphrase_group{0.7, "choose select pick decide"},
    paraphrase_group{0.7, "work function operate perform"},
    paraphrase_group{0.7, "install set setup installation"},
    // money
    paraphrase_group{0.8, "pay fee charge price cost money payment compensation royalty"},
    paraphrase_group{0.8, "sell sale commercial commercially"},
    paraphrase_group{0.8, "buy purchase acquire"},
    paraphrase_group{0.8, "free gratis"},
    // rules and rights
    paraphrase_group{0.8, "rule term condition requirement obligation duty provision"},
    paraphrase_group{0.8, "break violate violation breach infringe disobey"},
    paraphrase_group{0.6, "lose terminate revoke cancel void forfeit"},
    paraphrase_group{0.8, "allow permit permission authorize grant permissible"},
    paraphrase_group{0.8, "forbid prohibit ban restrict disallow"},
    paraphrase_group{0.8, "agree accept consent acceptance agreement"},
    paraphrase_group{0.8, "need require demand necessary"},
    paraphrase_group{0.9, "sue litigation lawsuit court suit"},
    paraphrase_group{0.9, "guarantee warranty warrant assurance"},
    paraphrase_group{0.8, "liable liability responsible responsibility blame damages"},
    paraphrase_group{0.8, "law legal statute legislation"},
    paraphrase_group{0.9, "logo trademark brand emblem"},
    // people
    paraphrase_group{0.8,
                     "others recipient anyone anybody everyone everybody somebody someone people"},
    paraphrase_group{0.7, "author creator contributor developer writer owner holder"},
    paraphrase_group{0.7, "company firm business organization corporation"},
    paraphrase_group{0.7, "customer client user"},
    // telling
    paraphrase_group{0.9, "tell inform notify notification notice"},
    paraphrase_group{0.8, "call name title term"},
    paraphrase_group{0.8,
                     "advertise promote endorse advertisement advertising publicity marketing"},
    paraphrase_group{0.7, "answer reply respond response"},
    paraphrase_group{0.7, "ask request inquire"},
    // things
    paraphrase_group{0.9, "program software application"},
    paraphrase_group{0.6, "program software code"},
    paraphrase_group{0.4, "program software library package work product"},
    paraphrase_group{0.8, "error bug defect fault failure mistake"},
    paraphrase_group{0.7, "part portion piece section fragment"},
    paraphrase_group{0.7, "document text manual documentation"},
    paraphrase_group{0.7, "version edition release revision"},
    paraphrase_group{0.7, "place location site venue"},
    paraphrase_group{0.7, "reason purpose cause"},
    paraphrase_group{0.7, "long length duration period"},
    paraphrase_group{0.7, "big large great huge"},
    paraphrase_group{0.7, "small little minor"},
    paraphrase_group{0.7, "quick fast rapid speed"},
};

struct irregular {
  std::string_view form, base;
};

constexpr std::array irregulars{
    irregular{"ate", "eat"},
    irregular{"became", "become"},
    irregular{"began", "begin"},
    irregular{"begun", "begin"},
    irregular{"bought", "buy"},
    irregular{"broke", "break"},
    irregular{"broken", "break"},
    irregular{"brought", "bring"},
    irregular{"built", "build"},
    irregular{"came", "come"},
    irregular{"chose", "choose"},
    irregular{"chosen", "choose"},
    irregular{"dealt", "deal"},
    irregular{"drew", "draw"},
    irregular{"found", "find"},
    irregular{"gave", "give"},
    irregular{"given", "give"},
    irregular{"held", "hold"},
    irregular{"kept", "keep"},
    irregular{"knew", "know"},
    irregular{"known", "know"},
    irregular{"led", "lead"},
    irregular{"left", "leave"},
    irregular{"lent", "lend"},
    irregular{"lost", "lose"},
    irregular{"made", "make"},
    irregular{"meant", "mean"},
    irregular{"met", "meet"},
    irregular{"paid", "pay"},
    irregular{"ran", "run"},
    irregular{"rose", "rise"},
    irregular{"said", "say"},
    irregular{"sent", "send"},
    irregular{"shown", "show"},
    irregular{"sold", "sell"},
    irregular{"spoke", "speak"},
    irregular{"spoken", "speak"},
    irregular{"taken", "take"},
    irregular{"taught", "teach"},
    irregular{"thought", "think"},
    irregular{"told", "tell"},
    irregular{"took", "take"},
    irregular{"understood", "understand"},
    irregular{"went", "go"},
    irregular{"won", "win"},
    irregular{"written", "write"},
    irregular{"wrote", "write"},
};

template <class Take>
void each_of(std::string_view words, Take take) {
  while (!words.empty()) {
    auto end = std::min(words.find(' '), words.size());
    take(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

} // namespace

std::span<const paraphrase_group> paraphrase_groups() { return groups; }

std::string_view base_form(std::string_view lower_case_word) {
  for (const auto& entry : irregulars)
    if (entry.form == lower_case_word)
      return entry.base;
  return {};
}

std::vector<related_word> words_like(std::string_view lower_case_word) {
  std::vector<related_word> found;
  auto wanted = stem_of(lower_case_word);
  for (const auto& group : groups) {
    bool member = false;
    each_of(group.words,
            [&](std::string_view word) { member = member || stem_of(word) == wanted; });
    if (!member)
      continue;
    each_of(group.words, [&](std::string_view word) {
      if (stem_of(word) != wanted)
        found.push_back({word, group.nearness});
    });
  }
  return found;
}

} // namespace troupe
