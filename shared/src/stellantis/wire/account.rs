//! The user and the vehicles of the account: `GET /user`, `/user/vehicles`, and the B2B
//! capability check.

use serde_json::Value;

use super::read::{Id, document};

document! {
    /// `GET /user`.
    User {
        email: String = "email",
        first_name: String = "firstName",
        last_name: String = "lastName",
        embedded: UserEmbedded = "_embedded",
    }

    /// What comes within a user.
    UserEmbedded {
        vehicles: Vec<Vehicle> = "vehicles" | "Vehicles",
    }

    /// `GET /user/vehicles/{id}`, and an item of `/user/vehicles`.
    Vehicle {
        id: Id = "id",
        vin: String = "vin",
        motorization: String = "motorization" | "motorisation",
        brand: String = "brand",
        label: String = "label",
        pictures: Vec<String> = "pictures",
        embedded: VehicleEmbedded = "_embedded",
    }

    /// What comes within a vehicle.
    VehicleEmbedded {
        extension: VehicleExtension = "extension",
    }

    /// What `extension=` asked for.
    VehicleExtension {
        capabilities: OnboardCapabilities = "onboardCapabilities",
        branding: Branding = "branding",
        pictures: Vec<String> = "pictures",
    }

    /// Brand and model.
    Branding {
        brand: String = "brand",
        label: String = "label",
    }

    /// What a vehicle can tell and do.
    OnboardCapabilities {
        data: Vec<String> = "data",
        /// By name: objects with `supported`.
        remote: Value = "remote",
    }

    /// One remote function.
    Remote {
        supported: bool = "supported",
    }
}
