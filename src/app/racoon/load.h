#pragma once
// racoon.conf and all that it names, but keys, as a value.
#include <memory>
#include <string>
#include <vector>

#include "app/racoon/certificates.h"
#include "app/racoon/conf_files.h"
#include "app/racoon/log.h"
#include "app/racoon/options.h"
#include "config/racoon/conf.h"

namespace testudo::app {

/// The file, and all complaints about it; nothing when there is an error.
struct LoadedFile {
  std::shared_ptr<const config::RacoonConf> conf;
  std::vector<std::string> errors;
};
/// Complaints go to the log too; null: to none, because they are there already.
LoadedFile load(const Options& options, ConfFiles& files, OwnKeys& own_keys, Log* log);

/// What the file says, and more of it for each -d.
Log::Level level_of(const config::RacoonConf& conf, const Options& options);

}  // namespace testudo::app
