#include <charconv>
#include <utility>

#include "pg/guard.h"
#include "pg/spi.h"
#include "queue/outbox.h"
#include "queue/queue.h"

namespace pg_ocr {
namespace {

using pg::Statement;
using pg::Value;

int64_t number(const std::optional<std::string>& text) {
    int64_t value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

std::string quoted(const std::string& element) {
    std::string result = "\"";
    for (char c : element) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + "\"";
}

/// '{1,2,3}': an array as SQL reads it.
template <typename Elements, typename Write>
std::string array_of(const Elements& elements, Write&& write) {
    std::string result = "{";
    for (const auto& element : elements) {
        if (result.size() > 1) result += ",";
        result += write(element);
    }
    return result + "}";
}

std::string array_of_ids(const std::vector<int64_t>& ids) {
    return array_of(ids, [](int64_t id) { return std::to_string(id); });
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

class SpiOutbox final : public Outbox {
  public:
    DueDeliveries due(const Load& load) override {
        DueDeliveries due;
        in_transaction("looking for webhooks to deliver", [&] {
            due = {};
            std::map<std::pair<std::string, std::string>, Options> declared;
            Load then = load;
            for (const Statement::Row& row : due_.rows(
                     {array_of_ids(load.deliveries),
                      array_of(load.free, [](const auto& each) { return quoted(each.first); }),
                      array_of(load.free, [](const auto& each) { return std::to_string(each.second); }), load.after,
                      static_cast<int32_t>(load.free_per_webhook), static_cast<int32_t>(load.room)})) {
                Delivery delivery;
                delivery.id = number(row[0]);
                delivery.event_id = row[1].value_or("");
                delivery.webhook = row[2].value_or("");
                delivery.payload = row[4].value_or("");
                auto [options, is_new] = declared.try_emplace({delivery.webhook, row[3].value_or("")});
                if (is_new) options->second = options_of(options->first.first, options->first.second);
                delivery.options = options->second;
                --then.free.try_emplace(delivery.webhook, load.free_per_webhook).first->second;
                then.deliveries.push_back(delivery.id);
                due.deliveries.push_back(std::move(delivery));
            }
            if (static_cast<int>(due.deliveries.size()) < load.room) due.next_in_ms = next_in_ms(then);
        });
        return due;
    }

    std::vector<bool> record(const std::vector<Attempt>& attempts) override {
        std::vector<bool> settled;
        in_transaction("recording deliveries", [&] {
            settled.clear();
            for (const Attempt& attempt : attempts)
                settled.push_back(record_.value({attempt.delivery_id, attempt.event_id, attempt.delivered,
                                                 attempt.http_status == 0 ? Value() : Value(attempt.http_status),
                                                 static_cast<int32_t>(attempt.latency_ms),
                                                 static_cast<int64_t>(attempt.retry_after_s),
                                                 text_or_null(attempt.answer), text_or_null(attempt.error)}) == "t");
        });
        return settled;
    }

  private:
    Options options_of(const std::string& webhook, const std::string& owner) {
        Options options;
        for (const Statement::Row& row : options_.rows({webhook, owner}))
            options.emplace_back(row[0].value_or(""), row[1].value_or(""));
        return options;
    }

    std::optional<int64_t> next_in_ms(const Load& load) {
        std::vector<std::string> full;
        for (const auto& [webhook, free] : load.free)
            if (free <= 0) full.push_back(webhook);
        std::optional<std::string> due = next_.value({array_of_ids(load.deliveries), array_of(full, quoted)});
        return due ? std::optional<int64_t>(number(due)) : std::nullopt;
    }

    static void in_transaction(const char* activity, const std::function<void()>& body) {
        try {
            pg::transaction(activity, body);
        } catch (const pg::Error& error) {
            throw QueueError(error.detail.empty() ? error.what() : error.what() + (" (" + error.detail + ")"));
        }
    }

    Statement due_{
        "SELECT delivery_id, event_id, webhook, owner, payload FROM ocr.due_deliveries($1::pg_catalog.int8[], "
        "$2::pg_catalog.name[], $3::pg_catalog.int4[], $4::pg_catalog.name, $5, $6)",
        {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT4OID}};
    Statement next_{"SELECT ocr.deliveries_due_in_ms($1::pg_catalog.int8[], $2::pg_catalog.name[])",
                    {TEXTOID, TEXTOID}};
    Statement options_{"SELECT name, value FROM ocr.options_of_server($1::pg_catalog.name, $2::pg_catalog.name)",
                       {TEXTOID, TEXTOID}};
    Statement record_{"SELECT ocr.record_attempt($1, $2, $3, $4, $5, $6, $7, $8)",
                      {INT8OID, TEXTOID, BOOLOID, INT4OID, INT4OID, INT8OID, TEXTOID, TEXTOID}};
};

}  // namespace

std::unique_ptr<Outbox> make_spi_outbox() { return std::make_unique<SpiOutbox>(); }

}  // namespace pg_ocr
